"""Static files under a path that changes with their content, so that browsers may keep them for ever."""

import hashlib
from importlib.resources import files
from pathlib import Path
from typing import Final

from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

FOLDER: Final = Path(str(files("protostar.web").joinpath("static")))
_FOREVER: Final = "public, max-age=31536000, immutable"


class Assets:
    """An ASGI application for `/static`; `url` says where in it a file is."""

    def __init__(self) -> None:
        digest = hashlib.sha256()
        for file in sorted(FOLDER.rglob("*")):
            if file.is_file():
                digest.update(file.relative_to(FOLDER).as_posix().encode())
                digest.update(file.read_bytes())
        self._fingerprint = digest.hexdigest()[:12]
        self._files = GZipMiddleware(_Files(directory=FOLDER), minimum_size=500)

    def url(self, name: str) -> str:
        return f"/static/{self._fingerprint}/{name}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A page of another release asks under its own fingerprint: it gets ours, and does not keep it."""
        root, path = scope.get("root_path", ""), scope["path"]
        fingerprint, _, _name = path.removeprefix(root).lstrip("/").partition("/")
        inner = {**scope, "root_path": f"{root}/{fingerprint}", "protostar.forever": fingerprint == self._fingerprint}
        await self._files(inner, receive, send)


class _Files(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = _FOREVER if scope["protostar.forever"] else "no-cache"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response
