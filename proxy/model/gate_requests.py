"""Chooses for a replaced HAProxy, whose own maps do not change any more. Pure.

lua.where (proxy/haproxy/hold.lua) makes the question; the answer has the form of choose.lua's.
"""

import re

from prevs.gate_rules import LOT_COOKIE, Choice, Request, choose, read_cookies, read_query
from prevs.gates import LOTS, GateRecord
from prevs.names import host
from proxy.model.gate_entries import criterion_key, read_variant


def choose_anew(gate: GateRecord, domain: str, question: str, before: str) -> str:
    """Decide again by the gate's current rules.

    `before`: HAProxy's own choice; its random draw is kept, and so is the label of a page below
    /_prevs/.
    """
    asked = read_request(question)
    asked = asked._replace(variant=read_variant(gate, asked.headers.get(":site", ""), domain))
    if asked.path.startswith("/_prevs/"):
        return before
    lot = (*before.split("|"), "", "")[2]
    if lot:
        asked = asked._replace(cookies={**asked.cookies, LOT_COOKIE: lot})
    found = choose(gate.revision, asked)
    if isinstance(found, Choice):
        label, end = found.label, f"|{found.variant}|{gate.name}|=" if found.variant else ""
    else:
        about = criterion_key(found.criterion) if found.criterion else ""
        label, end = "-", f"{found.cause.value} {about}".rstrip()
    return "|".join((host(label, gate.app, domain), ",".join(found.vary), lot, end))


def read_request(question: str) -> Request:
    """Return what of a request may decide.

    It reads headers, cookies and parameters as proxy/haproxy/choose.lua does: see Request.
    """
    lines = re.split("\r?\n", question)
    said = {name: value for name, _, value in (line.partition(": ") for line in lines)}
    path, _, query = said.get(":url", "/").partition("?")
    return Request(
        method=said.get(":method", ""),
        path=path,
        headers=said,
        cookies=read_cookies(said.get("cookie", "")),
        query=read_query(query),
        # A HAProxy that an older version has started gives the number that the lot is made of.
        lot=int(said.get(":lot") or said.get(":number") or 0) % LOTS,
    )
