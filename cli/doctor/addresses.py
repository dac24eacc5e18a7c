"""Checks that the addresses of previews lead to a proxy: DNS, and the answer for an unknown app."""

import socket
from collections.abc import Callable, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from cli.client.connection import fetch
from cli.doctor.findings import Finding, Level, ok, skipped, warning, wrong
from cli.doctor.judgements import judge_unknown
from cli.errors import ApiUnreachable

_SECONDS = 8.0
_PART = "addresses"
_STARTS_NOTHING = {"Sec-Purpose": "prefetch"}
_NOBODY = "prevs-doctor"


class Place(NamedTuple):
    """The common part of previews' addresses: `between` separates label and app, . or --."""

    scheme: str
    between: str
    domain: str
    port: int | None


def read_place(url: str, app: str) -> Place | None:
    """Return the place in a preview's address, None if it has another form."""
    parts = urlsplit(url)
    for between in (".", "--"):
        _, found, domain = (parts.hostname or "").partition(f"{between}{app}.")
        if found and domain:
            return Place(parts.scheme, between, domain, parts.port)
    return None


def look_at_addresses(
    place: Place | None,
    resolve: Callable[[str, int | None], object] = socket.getaddrinfo,
    *,
    is_local: bool,
) -> Sequence[Finding]:
    """Return whether *.domain leads to a proxy. Blocks, and `resolve` may block for long.

    `is_local` is True if prevs runs on this machine, as the API's address shows.
    """
    if place is None:
        return [skipped(_PART, "No app is registered, so there is no address to check.")]
    host = f"{_NOBODY}{place.between}{_NOBODY}.{place.domain}"
    port = "" if place.port is None else f":{place.port}"
    if place.domain == "localhost" or place.domain.endswith(".localhost"):
        # Browsers and curl take it for their own machine; a resolver may not know it.
        named = f"*.{place.domain}{port}"
        found = _look(f"{place.scheme}://127.0.0.1{port}/", named, host + port, is_local=is_local)
        return [found if is_local else _weigh(found, named)]
    wildcard = f"*.{place.domain}"
    try:
        resolve(host, place.port)
    except OSError as exc:
        record = f"Create a DNS record *.{place.domain} for the machines of the proxies."
        return [wrong("DNS", f"{wildcard} does not resolve: {exc.strerror}.", record)]
    return [
        ok("DNS", f"{wildcard} resolves."),
        _look(f"{place.scheme}://{host}{port}/", f"{wildcard}{port}", None, is_local=is_local),
    ]


def _weigh(found: Finding, named: str) -> Finding:
    """Weaken a failure: the visitors' machines, not this one, may forward the port to a proxy."""
    if found.level is not Level.WRONG:
        return found
    message = f"{named} is each visitor's own machine. On this one no proxy answers there."
    advice = "Run `prevs doctor` on a machine whose port is forwarded to a proxy."
    return warning(_PART, message, advice)


def _look(url: str, named: str, host: str | None, *, is_local: bool) -> Finding:
    try:
        answer = fetch(url, _SECONDS, _STARTS_NOTHING | ({"Host": host} if host else {}))
    except ApiUnreachable as exc:
        failure = exc.tried[0]
        log = "prevs local logs proxy" if is_local else "journalctl -u prevs-proxy"
        advice = f"Check that a proxy runs there (`{log}`)."
        if failure.is_tls:
            advice = f"Put a certificate for {named} into the proxies' PREVS_CERTIFICATES."
        return wrong(_PART, f"{named} does not answer: {failure.why}.", advice)
    return judge_unknown(_PART, answer.status, answer.content)
