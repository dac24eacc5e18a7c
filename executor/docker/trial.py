"""Makes Docker start a container from an empty image, as a trial of what builds need.

The image is empty, so nothing has to be fetched. Docker mounts it, connects the container to the
network of builds, and runs runc. Only after all that it finds no program to execute.
"""

from __future__ import annotations

import http.client
import io
import json
import os
import tarfile
from collections.abc import Mapping
from typing import Any

from executor.docker import blame, engine

_PROGRAM = "/prevs-doctor"
_NO_PROGRAM = "no such file or directory"


def find_problem(environ: Mapping[str, str]) -> str:
    """Return Docker's error if it cannot start a container, "" if it can.

    Leaves nothing behind. Blocks for some seconds at most, for a minute if Docker hangs.
    """
    name = f"prevs-doctor:{os.urandom(6).hex()}"
    container = name.replace(":", "-")
    try:
        problem = _try(environ, name, container)
        _call(environ, "DELETE", f"/containers/{container}?force=1&v=1")
        _call(environ, "DELETE", f"/images/{name}")
    except (OSError, ValueError, http.client.HTTPException) as exc:
        return f"it does not answer ({exc or type(exc).__name__})"
    return problem


def _try(environ: Mapping[str, str], image: str, container: str) -> str:
    repository, _, tag = image.partition(":")
    path = f"/images/create?fromSrc=-&repo={repository}&tag={tag}"
    status, message = _call(environ, "POST", path, _empty())
    if status != 200:
        return message
    wanted = json.dumps({"Image": image, "Cmd": [_PROGRAM]}).encode()
    status, message = _call(environ, "POST", f"/containers/create?name={container}", wanted)
    if status != 201:
        return message
    status, message = _call(environ, "POST", f"/containers/{container}/start")
    # 400: it got as far as the program, which does not exist.
    reached = status == 400 or _NO_PROGRAM in message
    fault = blame.find_call_fault(status, message)
    return "" if status < 300 or (reached and fault is None) else message


def _call(environ: Mapping[str, str], method: str, path: str, body: bytes = b"") -> tuple[int, str]:
    """Return the status and the message of the response, without its JSON."""
    kind = "application/json" if body.startswith(b"{") else "application/x-tar"
    connection = engine.connect(environ)
    try:
        connection.request(method, path, body=body, headers={"Content-Type": kind})
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace").strip()
    finally:
        connection.close()
    try:
        found: Any = json.loads(text)
    except ValueError:
        return answer.status, text
    message = found.get("message") if isinstance(found, dict) else None
    return answer.status, str(message or text).strip().rstrip(".")


def _empty() -> bytes:
    """Return the archive of an image with one empty folder."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        folder = tarfile.TarInfo("empty")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
    return data.getvalue()
