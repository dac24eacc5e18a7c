"""Reads a visitor's request to a gate as HAProxy passes it on (proxy/haproxy/hold.lua). Pure."""

from collections.abc import Iterator, Mapping

from prevs.gate_rules import Request

_AS = "x-prevs-as-"


def read_request(headers: Mapping[str, str]) -> Request:
    """Return what of a request may decide, from the headers in which HAProxy describes it.

    It reads cookies and parameters as proxy/haproxy/choose.lua does: see Request.
    """
    path, _, query = headers.get("x-prevs-url", "/").partition("?")
    lot = headers.get("x-prevs-lot", "")
    sent = {name[len(_AS) :]: value for name, value in headers.items() if name.startswith(_AS)}
    parameters = reversed(list(_split(query, "&")))  # of several ones, the first counts
    return Request(
        method=headers.get("x-prevs-method", ""),
        path=path,
        headers=sent,
        cookies=dict(_split(sent.get("cookie", ""), ";")),
        query=dict(parameters),
        lot=int(lot) if lot.isascii() and lot.isdecimal() else 0,
    )


def _split(text: str, separator: str) -> Iterator[tuple[str, str]]:
    """Yield the names and values in a text."""
    for pair in text.split(separator):
        name, found, value = pair.partition("=")
        if found:
            yield name.strip(" \t"), value.strip(" \t")
