"""`/widget.js`: the one file that a page of somebody else's embeds."""

import gzip
import hashlib
from typing import Annotated, Final

from fastapi import Header
from fastapi.responses import Response

from protostar.routing import Router
from protostar.web.assets import FOLDER

ACCENT: Final = "#3550c8"  # of the script, where a space has set no colour
ACCENT_DARK: Final = "#a3b4ff"
_KEPT: Final = "public, max-age=300, stale-while-revalidate=86400"  # its address does not change with its content


class _Script:
    def __init__(self) -> None:
        self.plain = (FOLDER / "widget.js").read_bytes()
        self.packed = gzip.compress(self.plain, 9, mtime=0)
        self.etag = f'"{hashlib.sha256(self.plain).hexdigest()[:16]}"'


def install() -> Router:
    """The route, with the script read once."""
    router, script = Router(), _Script()

    @router.get("/widget.js")
    async def widget(  # pyright: ignore[reportUnusedFunction]
        accept_encoding: Annotated[str, Header()] = "", if_none_match: Annotated[str | None, Header()] = None
    ) -> Response:
        headers = {
            "Cache-Control": _KEPT,
            "ETag": script.etag,
            "Vary": "Accept-Encoding",
            "X-Content-Type-Options": "nosniff",
            # Any page may embed it, also one that isolates itself or names its hash.
            "Cross-Origin-Resource-Policy": "cross-origin",
            "Access-Control-Allow-Origin": "*",
        }
        if if_none_match is not None and script.etag in if_none_match:
            return Response(status_code=304, headers=headers)
        if "gzip" in accept_encoding:
            return Response(script.packed, media_type="text/javascript", headers={**headers, "Content-Encoding": "gzip"})
        return Response(script.plain, media_type="text/javascript", headers=headers)

    return router
