"""The repositories of a double of a forge, served by git's own http-backend."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

from tests.fakes.forges.server import Reply, Request

_BACKEND = "/usr/lib/git-core/git-http-backend"


def serve(root: Path) -> Callable[[Request], Reply | None]:
    """Return a function that answers requests for repositories below a folder, and no others."""

    def answer(request: Request) -> Reply | None:
        if ".git/" not in request.path:
            return None
        environ = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
            "REQUEST_METHOD": request.method,
            "PATH_INFO": request.path,
            "QUERY_STRING": urlencode(request.query),
            "CONTENT_TYPE": request.headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(request.sent)),
            "HTTP_CONTENT_ENCODING": request.headers.get("content-encoding", ""),
            "GIT_PROTOCOL": request.headers.get("git-protocol", ""),
        }
        done = subprocess.run(
            [_BACKEND], input=request.sent, env=environ, capture_output=True, check=False
        )
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().splitlines())
        return Reply(int(fields.pop("Status", "200").split()[0]), fields, body)

    return answer
