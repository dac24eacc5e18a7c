"""The addresses between which a visitor goes while entering."""

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import urlencode

from starlette.requests import Request

from prevs import names
from prevs.gates import GateRecord
from program.http import same_origin
from proxy.entrance import cookies
from proxy.room.host_header import bare_host, name_site

ENTER, SIGN_IN = "/_prevs/enter", "/_prevs/sign-in"
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


class Aim(NamedTuple):
    """Where a visitor wants to go: `path` at `host`, a preview's, a gate's or the one of `app`.

    `host` has the form that the visitor's address has, as the cookies are at that one.
    `digest` is that of the nonce in the visitor's cookie at that host.
    """

    app: str
    host: str
    path: str
    digest: str

    @property
    def purpose(self) -> str:
        """What the code for this visitor is for."""
        return f"enter {self.digest}"

    def fields(self) -> dict[str, str]:
        """Return what `read_aim` reads."""
        return {"on": self.host, "to": self.path, "nonce": self.digest}


def read_aim(
    fields: Mapping[str, str], domain: str, find_gate: Callable[[str], GateRecord | None]
) -> Aim | None:
    """Return where a visitor wants to go; None if no app is there."""
    host, digest = bare_host(fields.get("on", "")), fields.get("nonce", "")
    site = name_site(host, domain)
    gate = find_gate(site)
    app = gate.app if gate else _find_app(site, domain)
    if not app or not _DIGEST.fullmatch(digest):
        return None
    return Aim(app, host, same_origin.own_path(fields.get("to", "/")), digest)


def _find_app(site: str, domain: str) -> str:
    """Return the app of a preview's host, or of a landing page's; "" for others."""
    _, app = names.split_host(site, domain) or ("", "")
    return app or names.find_landing(site, domain)


def digest_nonce(nonce: str) -> str:
    """Return what may be in an address, as nobody can compute the nonce from it."""
    return hashlib.sha256(nonce.encode()).hexdigest()


def origin_of(request: Request, host: str) -> str:
    """Return the origin of another host here: with the scheme and the port of this request."""
    scheme = "https" if cookies.is_secure(request) else "http"
    name, _, port = request.headers.get("host", "").rpartition(":")
    return f"{scheme}://{host}:{port}" if name and port.isdecimal() else f"{scheme}://{host}"


def with_query(path: str, **fields: str) -> str:
    """Return a path with a query."""
    return f"{path}?{urlencode(fields)}"
