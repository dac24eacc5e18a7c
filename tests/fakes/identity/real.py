"""Real identity providers, as processes: npm's oidc-provider, and PyPI's oidc-provider-mock."""

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from tests.fakes.identity.server import CLIENT_ID
from tests.waits import describe_end, wait_until

_HERE = Path(__file__).parent
_INSTALLED = _HERE.parents[2] / ".cache" / "identity-providers"
SECRET = "a-secret-of-tests"


class Issuer(NamedTuple):
    """A provider that answers."""

    url: str
    client_id: str = CLIENT_ID
    secret: str = SECRET


@contextlib.contextmanager
def oidc_provider(folder: Path, port: int, redirects: Sequence[str]) -> Iterator[Issuer]:
    """Run npm's oidc-provider: any name and password sign in."""
    script = place_script(folder, "oidc_provider.mjs")
    command = ["node", str(script), str(port), SECRET, *redirects]
    with _running(command, folder / "provider.log", port) as issuer:
        yield issuer


@contextlib.contextmanager
def oidc_provider_mock(folder: Path, port: int) -> Iterator[Issuer]:
    """Run PyPI's oidc-provider-mock, with a user whose claims are those of ada."""
    ada = {"sub": "ada", "preferred_username": "ada", "groups": ["ada-devs", "everybody"]}
    command = [str(_find("bin/oidc-provider-mock")), "--port", str(port), "--require-nonce", "true"]
    command += ["--user-claims", json.dumps(ada)]
    with _running(command, folder / "provider.log", port) as issuer:
        yield issuer


def place_script(folder: Path, name: str) -> Path:
    """Return a copy of a script, in a folder where Node finds the modules that it imports."""
    script = folder / name
    script.write_text((_HERE / name).read_text())
    with contextlib.suppress(FileExistsError):
        (folder / "node_modules").symlink_to(_find("node_modules"))
    return script


def _find(name: str) -> Path:
    found = _INSTALLED / name
    if not found.exists():
        pytest.fail("`make .cache/identity-providers/.installed` installs what this test needs")
    return found


@contextlib.contextmanager
def _running(command: Sequence[str], log: Path, port: int) -> Iterator[Issuer]:
    issuer = Issuer(f"http://127.0.0.1:{port}")
    with log.open("ab") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env=dict(os.environ))
    try:
        wait_until(
            lambda: _answers(issuer.url),
            "the identity provider answers",
            over=lambda: describe_end(process, log),
        )
        yield issuer
    finally:
        process.kill()
        process.wait()


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/.well-known/openid-configuration").is_success
    except httpx.HTTPError:
        return False
