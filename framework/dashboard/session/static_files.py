"""The dashboard's style and script, at addresses that change with their content."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from program import web

PREFIX = "/dashboard-files"
_FOLDER = Path(__file__).parents[1] / "static"
_TYPES = {"css": "text/css", "js": "text/javascript"}


class _File(NamedTuple):
    content: str
    media_type: str


class Files:
    """Files that a browser may keep for ever: each name has the digest of the content."""

    def __init__(self) -> None:
        contents = {
            "dashboard.css": _join("theme.css", "log_view.css"),
            "dashboard.js": _join("terminal.js", "log_view.js"),
        }
        contents = {name: shared + _read(name) for name, shared in contents.items()}
        self._names = {name: _name(name, content) for name, content in contents.items()}
        self._files: Mapping[str, _File] = {
            self._names[name]: _File(content, _TYPES[name.rpartition(".")[2]])
            for name, content in contents.items()
        }

    def path(self, name: str) -> str:
        """Return the path of a file."""
        return f"{PREFIX}/{self._names[name]}"

    def route(self) -> Route:
        """Return the route of the files, which needs no session."""
        return Route(f"{PREFIX}/{{name}}", self._answer, methods=["GET"])

    async def _answer(self, request: Request) -> Response:
        file = self._files.get(request.path_params["name"])
        if file is None:
            return Response(status_code=404, headers={"Cache-Control": "no-store"})
        headers = {
            "Cache-Control": "public, max-age=31536000, immutable",
            "X-Content-Type-Options": "nosniff",
        }
        return Response(file.content, headers=headers, media_type=file.media_type)


def _join(*shared: str) -> str:
    """Return the content of files that other programs' pages share."""
    return "".join(map(web.read, shared))


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _name(name: str, content: str) -> str:
    stem, _, kind = name.rpartition(".")
    return f"{stem}.{hashlib.sha256(content.encode()).hexdigest()[:16]}.{kind}"
