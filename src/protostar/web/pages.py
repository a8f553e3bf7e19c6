"""What every page of the dashboard has: templates, languages, headers, errors that a person can read."""

from collections.abc import Callable, Coroutine
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from protostar import __version__
from protostar.access.sessions import csrf_token
from protostar.dependencies import cookie_name
from protostar.errors import NotFound, ProtostarError, Unauthorized
from protostar.routing import Route
from protostar.web.assets import Assets
from protostar.web.formats import FILTERS
from protostar.web.messages import LANGUAGES, Language, Translator, preferred, translators

LANGUAGE_COOKIE: Final = "protostar_language"
THEME_COOKIE: Final = "protostar_theme"

# Scripts and styles are files of ours, and nothing of a page may lead, load or be framed elsewhere.
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; "
        "manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    # With «no-referrer» browsers would send the Origin «null» with forms, and no form could be told from another site's.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Section(NamedTuple):
    """An entry of the navigation; `label` in English."""

    path: str
    label: str
    icon: str
    for_admins: bool = False


NAVIGATION: Final = (
    Section("/documents", "Documents", "documents"),
    Section("/ask", "Ask", "ask"),
    Section("/conversations", "Conversations", "conversations"),
    Section("/insights", "Insights", "insights"),
    Section("/settings", "Settings", "settings"),
    Section("/system", "System", "system", for_admins=True),
)


class Pages:
    """Renders templates; made once per application."""

    def __init__(self, assets: Assets) -> None:
        self._translators = translators()
        self._templates = Environment(
            loader=PackageLoader("protostar.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        self._templates.filters.update(FILTERS)
        self._everywhere: dict[str, Any] = {"asset": assets.url, "release": __version__, "navigation": NAVIGATION}

    def translator(self, request: Request) -> Translator:
        return self._translators[language_of(request)]

    def render(self, request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:
        """`context`: what the template names, beside what every page has."""
        token = request.cookies.get(cookie_name(request, "session"))
        theme = request.cookies.get(THEME_COOKIE)
        everywhere: dict[str, Any] = {
            **self._everywhere,
            "t": self.translator(request),
            "language": language_of(request),
            "theme": theme if theme in ("light", "dark") else "auto",
            "csrf": csrf_token(token) if token else "",
            "path": request.url.path,
        }
        return HTMLResponse(self._templates.get_template(template).render(**everywhere, **context), status)


def language_of(request: Request) -> Language:
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    for language in LANGUAGES:
        if chosen == language:
            return language
    return preferred(request.headers.get("accept-language", ""))


def is_fragment(request: Request) -> bool:
    """Whether htmx asks for a part of a page."""
    return "hx-request" in request.headers


class PageRoute(Route):
    """A route of the dashboard: its errors are pages, and all of its answers carry the headers above."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_page(request: Request) -> Response:
            try:
                response = await handle(request)
            except RequestValidationError:
                if is_fragment(request):
                    raise  # a problem document: the page that asked shows its sentence
                response = _failed(request, NotFound())
            except ProtostarError as error:
                if is_fragment(request) and not isinstance(error, Unauthorized):
                    raise
                response = _failed(request, error)
            response.headers.update(HEADERS)
            return response

        return handle_page


def wants_page(request: Request) -> bool:
    """Whether a person looks: a browser asks for a page, and not for something of the API."""
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/v1/") and not is_fragment(request)


def no_page(request: Request) -> Response:
    """The answer to an address that leads nowhere."""
    response = _failed(request, NotFound("There is nothing at this path."))
    response.headers.update(HEADERS)
    return response


def _failed(request: Request, error: ProtostarError) -> Response:
    if isinstance(error, Unauthorized):
        if is_fragment(request):
            return Response(status_code=401, headers={"HX-Redirect": "/login"})
        return RedirectResponse(login_url(request), 303)
    pages: Pages = request.state.pages
    return pages.render(request, "error.html", error.status_code, error=error)


def login_url(request: Request) -> str:
    """Where to sign in, and come back from to the page that was wanted."""
    wanted = wanted_path(request)
    query: dict[str, str] = {}
    if request.method in ("GET", "HEAD") and wanted != "/":
        query["next"] = wanted
    if cookie_name(request, "session") in request.cookies:
        query["ended"] = "true"
    return f"/login?{urlencode(query)}" if query else "/login"


def wanted_path(request: Request) -> str:
    """What the page was asked by, within this server."""
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def local_path(wanted: str) -> str:
    """`wanted` where it is a path of this server, else the first page: a link must not lead to another site after the sign-in."""
    # Browsers read a backslash as a slash, and drop tabs and line ends: «//» and «/\\» begin another host.
    leads_away = not wanted.startswith("/") or wanted[1:2] in ("/", "\\") or any(ord(character) < 33 for character in wanted)
    return "/" if leads_away else wanted
