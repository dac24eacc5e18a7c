"""What a rule may ask of a request. Pure.

A name is a part of HAProxy's configuration, and a value a key of its maps, which have no spaces.
"""

import re

from framework.gates.written_rule import WrittenCondition
from prevs.gates import NAMED, Condition, ConditionKind

LONGEST_NAME = 64
LONGEST_VALUE = 200
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_TOKEN = re.compile(rf"[A-Za-z0-9_-]{{1,{LONGEST_NAME}}}", re.ASCII)
_PARAMETER = re.compile(rf"[A-Za-z0-9._~-]{{1,{LONGEST_NAME}}}", re.ASCII)
_VALUE = re.compile(rf"[!#-:<-\[\]-~]{{1,{LONGEST_VALUE}}}", re.ASCII)
"""Visible ASCII without quotation marks, semicolons and backslashes."""
_VENDOR_TYPE = re.compile(rf"[a-z0-9][a-z0-9.+_-]{{0,{LONGEST_VALUE - 1}}}", re.ASCII)
_REMOVED = re.compile(
    r"(x-prevs|x-forwarded|forwarded|proxy).*|connection|http2-settings|keep-alive"
    r"|te|trailer|transfer-encoding|upgrade|content-length"
)
"""Headers that no visitor gets past the proxy, or that the proxy writes itself."""
_OTHERWISE = {
    "host": "Write another gate for another host.",
    "accept": "Write accept instead of header.",
    "cookie": "Write cookie instead of header.",
    "authorization": "A rule is no place for a secret.",
}


def find_kind(written: WrittenCondition) -> ConditionKind | None:
    """Return what a condition is about; None if that is nothing or several things."""
    given = [kind for kind in ConditionKind if getattr(written, kind.value)]
    return given[0] if len(given) == 1 else None


def make_condition(written: WrittenCondition) -> Condition:
    """Return the record of a condition without a mistake."""
    kind = find_kind(written)
    if kind is None:
        raise ValueError(f"no condition: {written}")
    text = getattr(written, kind.value)
    if kind in NAMED:
        name = text.lower() if kind is ConditionKind.HEADER else text
        return Condition(kind, written.value, name)
    return Condition(kind, text.lower() if kind is ConditionKind.ACCEPT else text)


def find_problem(written: WrittenCondition) -> str | None:
    """Return what is wrong with a condition; None if nothing is."""
    kind = find_kind(written)
    if kind is None:
        known = ", ".join(kind.value for kind in ConditionKind)
        return f"must have one of {known}. For two of them write two rules."
    if kind not in NAMED and written.value:
        return f"has `is`, which goes with header, cookie and query. Write {kind.value} alone."
    if kind is ConditionKind.METHOD:
        wrong = written.method not in _METHODS
        return f"must have a method of {', '.join(_METHODS)}, in capitals" if wrong else None
    if kind is ConditionKind.ACCEPT:
        if _VENDOR_TYPE.fullmatch(written.accept.lower()):
            return None
        return "must have in accept what follows `vnd.` in the header: shop.v2+json"
    return _find_name_problem(kind, getattr(written, kind.value)) or _find_value_problem(written)


def _find_name_problem(kind: ConditionKind, name: str) -> str | None:
    allowed, signs = _TOKEN, "A-Z, a-z, 0-9, - and _"
    if kind is ConditionKind.QUERY:
        allowed, signs = _PARAMETER, "A-Z, a-z, 0-9, -, ., _ and ~"
    if not allowed.fullmatch(name):
        return f"must name a {kind.value} of 1 to {LONGEST_NAME} of {signs}"
    if kind is not ConditionKind.HEADER:
        ours = re.sub("^__(host|secure)-", "", name.lower()).startswith("prevs-")
        return f"names the {kind.value} {name}, which is prevs's own" if ours else None
    if instead := _OTHERWISE.get(name.lower()):
        return f"cannot name the header {name}. {instead}"
    if _REMOVED.fullmatch(name.lower().replace("_", "-")):
        return f"names the header {name}, which proxies remove or write. Choose another one."
    return None


def _find_value_problem(written: WrittenCondition) -> str | None:
    if not written.value:
        return "needs the value, as `is`"
    if not _VALUE.fullmatch(written.value):
        return (
            f"must have in `is` up to {LONGEST_VALUE} visible ASCII characters without spaces and "
            'without ", ; and \\. Values are compared as they are sent: é in a query is %C3%A9.'
        )
    return None
