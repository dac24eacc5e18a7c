"""Requests that are open when a preview is stopped are completed."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from tests.e2e.conftest import Api, Hello

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

SCRIPT = """#!/bin/busybox sh
echo "Content-Type: text/plain"
echo
echo begun
/bin/busybox sleep 8
echo ended
"""


@pytest.fixture
def slow(hello: Hello, api: Api, tmp_path: Path) -> Hello:
    """The example with an answer that takes its time, as an app of its own."""
    made = Hello(tmp_path / "drained", "drained")
    shutil.copytree(hello.folder, made.folder)
    script = made.folder / "www" / "cgi-bin" / "slow"
    script.parent.mkdir()
    script.write_text(SCRIPT)
    script.chmod(0o755)
    made.git("add", "--all")
    identity = ("-c", "user.name=prevs", "-c", "user.email=prevs@localhost")
    made.git(*identity, "commit", "--quiet", "--message", "Take some time")
    api.add({"name": "drained", "repository": str(made.folder)})
    return made


def test_a_download_that_is_open_when_its_preview_is_stopped_is_whole(
    slow: Hello, api: Api, visit: Callable[..., requests.Response]
) -> None:
    sha = slow.commit("main")
    try:
        with visit("main", "/cgi-bin/slow", app="drained", stream=True) as download:
            pieces = download.iter_content(1)
            text = b"".join(next(pieces) for _ in b"begun\n")
            stopped = api.call("DELETE", f"/v1/previews/drained/{sha}")
            assert stopped.json()["state"] == "draining"
            text += b"".join(pieces)
        assert text == b"begun\nended\n"
        api.wait_for("drained", sha, "stopped")
    finally:
        api.call("DELETE", "/v1/apps/drained")
