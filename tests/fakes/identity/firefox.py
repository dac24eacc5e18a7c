"""Debian's Firefox, by npm's puppeteer-core: Playwright knows only a Firefox of its own."""

import json
import os
import subprocess
from pathlib import Path
from typing import NamedTuple

from tests.fakes.identity import real

_EXECUTABLE = "/usr/bin/firefox-esr"
_SECONDS = 90


class Visit(NamedTuple):
    """Where a visit led: the last address, the page's text, and the cookies that scripts read."""

    url: str
    text: str
    readable: str


def visit(folder: Path, address: str, login: str) -> Visit:
    """Open an address, and sign in at oidc-provider's pages. Firefox's files are in `folder`."""
    script = real.place_script(folder, "firefox_visit.mjs")
    done = subprocess.run(
        ["node", str(script), _EXECUTABLE, address, login],
        env={**os.environ, "HOME": str(folder), "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Visit(**json.loads(done.stdout))
