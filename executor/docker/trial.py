"""Has Docker start a container of nothing, as a RUN step would: what an agent lacks shows then.

The image is empty, so that nothing has to be fetched. Docker mounts it, connects it to the network
of its builds and has runc begin; that there is no program to execute is found only after all that.
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
_SAYS_MISSING = "no such file or directory"


def find_problem(environ: Mapping[str, str]) -> str:
    """Return what Docker says where it cannot start a container, "" where it can.

    Leaves nothing behind. Blocks for some seconds at most, a minute where Docker hangs.
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
    status, said = _call(environ, "POST", path, _empty())
    if status != 200:
        return said
    wanted = json.dumps({"Image": image, "Cmd": [_PROGRAM]}).encode()
    status, said = _call(environ, "POST", f"/containers/create?name={container}", wanted)
    if status != 201:
        return said
    status, said = _call(environ, "POST", f"/containers/{container}/start")
    # 400: it came as far as the program, which is not there.
    reached = status == 400 or _SAYS_MISSING in said
    fault = blame.find_call_fault(status, said)
    return "" if status < 300 or (reached and fault is None) else said


def _call(environ: Mapping[str, str], method: str, path: str, body: bytes = b"") -> tuple[int, str]:
    """Return the status and what is said with it, without the quotes of JSON."""
    kind = "application/json" if body.startswith(b"{") else "application/x-tar"
    connection = engine.connect(environ)
    try:
        connection.request(method, path, body=body, headers={"Content-Type": kind})
        answer = connection.getresponse()
        said = answer.read().decode(errors="replace").strip()
    finally:
        connection.close()
    try:
        found: Any = json.loads(said)
    except ValueError:
        return answer.status, said
    message = found.get("message") if isinstance(found, dict) else None
    return answer.status, str(message or said).strip().rstrip(".")


def _empty() -> bytes:
    """Return the archive of an image with one empty folder."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        folder = tarfile.TarInfo("empty")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
    return data.getvalue()
