"""Which label a request to a gate leads to, and why.

This is the one answer for all programs: `try` shows it, and HAProxy's maps are made so that they
give the same (proxy/model/gate_entries.py). The order is fixed:

    0. the variant, at a gate of a stack: that of the address, of the header X-Prevs-Stack, of
       `baggage`
    1. the override, of the kinds that the gate allows
    2. the longest path, segment by segment: /v1 is not /v10
    3. of its conditions the first that holds: method, accept, headers, cookies, query, and of one
       kind by name
    4. its rule without a condition, or else that of the nearest path above; by lots, if that has
       several targets

A path is compared as it was sent, byte by byte: `//v1`, `/%761` and `/V1` are not /v1, and
`/v1/../v2` begins with /v1. The application gets the same path.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from prevs.gates import (
    LOTS,
    Condition,
    ConditionKind,
    Criterion,
    Override,
    Revision,
    Rule,
    Sticky,
    Target,
)
from prevs.names import is_label

REF_HEADER, REF = "x-prevs-ref", "prevs-ref"
"""Where an override is: the header, and the cookie or query parameter."""
LOT_COOKIE = "prevs-lot"
STACK_HEADER, STACK, BAGGAGE = "x-prevs-stack", "prevs-stack", "baggage"
"""Where a request names a variant: the header, and the key in W3C's `baggage`."""
VERSIONED = frozenset({ConditionKind.ACCEPT, ConditionKind.HEADER, ConditionKind.QUERY})
"""What may name a version. All requests have a method, and a cookie is not the caller's doing."""
ANY = "*"
"""In Vary: on more than headers, such as the client's address (RFC 9110, 12.5.5)."""

_NONE: Mapping[str, str] = MappingProxyType({})
_LOT = re.compile(r"[0-9]{4}", re.ASCII)
_KINDS = list(ConditionKind)


class Request(NamedTuple):
    """What of a request may decide.

    `path` is as sent, without the query. Names of headers are in lower case. Of several headers or
    cookies of a name the last one counts, of several query parameters the first. Cookies are those
    of the last such header, each up to a semicolon. No value is decoded, and no quotation mark
    taken off.
    `lot` is that of the client's address, or a new one. `variant` is that of the address, "" at the
    gate's own.
    """

    method: str
    path: str
    headers: Mapping[str, str] = _NONE
    cookies: Mapping[str, str] = _NONE
    query: Mapping[str, str] = _NONE
    lot: int = 0
    variant: str = ""


def read_cookies(header: str) -> Mapping[str, str]:
    """Return the cookies of a header, as Request has them."""
    return dict(_read_pairs(header, ";"))


def read_query(text: str) -> Mapping[str, str]:
    """Return the parameters of a query, as Request has them."""
    return dict(reversed(list(_read_pairs(text, "&"))))  # of several ones, the first counts


def read_baggage(header: str) -> str:
    """Return the variant that the header `baggage` names, the last one of several; else "".

    An entry is `prevs-stack=NAME`, with what may follow after a semicolon (W3C Baggage, 3.2).
    """
    found = [value.partition(";")[0] for name, value in _read_pairs(header, ",") if name == STACK]
    return found[-1] if found else ""


class Step(enum.Enum):
    """What decided about a request."""

    VARIANT = "variant"
    OVERRIDE = "override"
    CONDITION = "condition"
    DEFAULT = "default"


class Choice(NamedTuple):
    """Where a request goes. `rule` is the place of the rule that decided, None if none did.

    `variant` is that of its stack, "" for none. `vary` are the headers that answers at this path
    depend on.
    """

    label: str
    step: Step
    rule: int | None
    vary: tuple[str, ...]
    variant: str = ""


class RefusalCause(enum.Enum):
    """Why a request leads to no label."""

    NO_RULE = "no-rule"
    UNKNOWN_VERSION = "unknown-version"
    INVALID_OVERRIDE = "invalid-override"


class Refusal(NamedTuple):
    """Why a request leads to no label; `value` is what is wrong, and `criterion` where it is."""

    cause: RefusalCause
    vary: tuple[str, ...]
    value: str = ""
    criterion: Criterion | None = None

    @property
    def status(self) -> int:
        """The status of the answer."""
        return 404 if self.cause is RefusalCause.NO_RULE else 400


def choose(revision: Revision, request: Request) -> Choice | Refusal:
    """Return where a request goes, or why nowhere."""
    path = find_path(revision.rules, request.path)
    vary = list_vary(revision, path)
    if variant := find_variant(revision, request):
        # Its address leads there whatever the headers say.
        vary = () if variant == request.variant else vary
        return Choice(revision.variants[variant], Step.VARIANT, None, vary, variant)
    if ref := _read_override(revision, request):
        if is_label(ref):
            return Choice(ref, Step.OVERRIDE, None, vary)
        return Refusal(RefusalCause.INVALID_OVERRIDE, vary, ref)
    if path is None:
        return Refusal(RefusalCause.NO_RULE, vary, request.path)
    unknown = None
    for criterion in list_criteria(revision.rules, path):
        value = read_value(criterion, request)
        if not value:
            continue
        place = _find_conditional(revision.rules, path, criterion, value)
        if place is not None:
            label = _find_label(revision.rules[place], request)
            return Choice(label, Step.CONDITION, place, vary)
        if revision.refuses_unknown and criterion.kind in VERSIONED and unknown is None:
            unknown = Refusal(RefusalCause.UNKNOWN_VERSION, vary, value, criterion)
    if unknown is not None:
        return unknown
    place = find_default(revision.rules, path)
    if place is None:
        return Refusal(RefusalCause.NO_RULE, vary, request.path)
    return Choice(_find_label(revision.rules[place], request), Step.DEFAULT, place, vary)


def find_variant(revision: Revision, request: Request) -> str:
    """Return the variant that a request names, if it is open; else "".

    One that is not open means nothing: the header may be for another stack.
    """
    headers = request.headers
    named = (
        request.variant,
        headers.get(STACK_HEADER, ""),
        read_baggage(headers.get(BAGGAGE, "")),
    )
    return next((one for one in named if one in revision.variants), "")


def find_path(rules: Sequence[Rule], asked: str) -> str | None:
    """Return the longest path of the rules that a request's path begins with; None without any.

    What does not begin with a slash (`OPTIONS *`) is only below "/".
    """
    segments = asked[1:].split("/") if asked.startswith("/") else []
    above = [one for one in {rule.path for rule in rules} if _begins(segments, one)]
    return max(above, key=len, default=None)


def list_criteria(rules: Sequence[Rule], path: str) -> Sequence[Criterion]:
    """Return what the conditions of a path look at, in the order of precedence.

    Of one kind it is by name, and not as written: a rule means the same wherever it stands.
    """
    found = {rule.when.criterion for rule in rules if rule.path == path and rule.when is not None}
    return sorted(found, key=_order)


def find_default(rules: Sequence[Rule], path: str) -> int | None:
    """Return the place of a path's rule without a condition, or of that of the nearest above."""
    while True:
        for place, rule in enumerate(rules):
            if rule.when is None and rule.path == path:
                return place
        if path == "/":
            return None
        path = path.rpartition("/")[0] or "/"


def find_target(targets: Sequence[Target], lot: int) -> Target:
    """Return the target of a lot.

    The second target has the lots from 0 up, the third the lots from the last down, the first all
    between. So a changed weight moves only as many clients as it has to, between the first target
    and that one.
    """
    rest, *others = targets
    if others and lot < others[0].weight:
        return others[0]
    if len(others) > 1 and lot >= LOTS - others[1].weight:
        return others[1]
    return rest


def read_value(criterion: Criterion, request: Request) -> str:
    """Return the value of a request that a criterion looks at; "" without one."""
    kind, name = criterion
    if kind is ConditionKind.METHOD:
        return request.method
    if kind is ConditionKind.ACCEPT:
        return _read_vendor_type(request.headers.get("accept", ""))
    if kind is ConditionKind.HEADER:
        return request.headers.get(name, "")
    return (request.cookies if kind is ConditionKind.COOKIE else request.query).get(name, "")


def list_vary(revision: Revision, path: str | None) -> tuple[str, ...]:
    """Return the names for Vary in answers at a path of the rules; None is no path of them.

    A query is a part of the URL, and caches tell methods apart.
    """
    names = {STACK_HEADER, BAGGAGE} if revision.variants else set()
    if Override.HEADER in revision.override:
        names.add(REF_HEADER)
    if Override.COOKIE in revision.override:
        names.add("cookie")
    if path is not None:
        names |= _list_of_rules(revision.rules, path)
    return (ANY,) if ANY in names else tuple(sorted(names))


def _read_pairs(text: str, separator: str) -> Iterator[tuple[str, str]]:
    """Yield the names and values in a text, as proxy/haproxy/choose.lua finds them."""
    for pair in text.split(separator):
        name, found, value = pair.partition("=")
        if found:
            yield name.lstrip(" "), value


def _order(criterion: Criterion) -> tuple[int, str]:
    return _KINDS.index(criterion.kind), criterion.name


def _list_of_rules(rules: Sequence[Rule], path: str) -> set[str]:
    names = set()
    for kind, name in list_criteria(rules, path):
        if kind is ConditionKind.ACCEPT:
            names.add("accept")
        elif kind is ConditionKind.HEADER:
            names.add(name)
        elif kind is ConditionKind.COOKIE:
            names.add("cookie")
    default = find_default(rules, path)
    for place, rule in enumerate(rules):
        decides = place == default or (rule.path == path and rule.when is not None)
        if decides and len(rule.to) > 1:
            names.add("cookie" if rule.sticky is Sticky.COOKIE else ANY)
    return names


def _read_override(revision: Revision, request: Request) -> str:
    found = {
        Override.HEADER: request.headers.get(REF_HEADER, ""),
        Override.QUERY: request.query.get(REF, ""),
        Override.COOKIE: request.cookies.get(REF, ""),
    }
    return next((ref for kind, ref in found.items() if ref and kind in revision.override), "")


def _find_conditional(
    rules: Sequence[Rule], path: str, criterion: Criterion, value: str
) -> int | None:
    wanted = Condition(criterion.kind, value, criterion.name)
    places = (n for n, rule in enumerate(rules) if rule.path == path and rule.when == wanted)
    return next(places, None)


def _find_label(rule: Rule, request: Request) -> str:
    lot, known = request.lot, request.cookies.get(LOT_COOKIE, "")
    if rule.sticky is Sticky.COOKIE and _LOT.fullmatch(known):
        lot = int(known)
    return find_target(rule.to, lot).label


def _read_vendor_type(accept: str) -> str:
    """Return what follows the first `vnd.`: shop.v2+json of application/vnd.shop.v2+json."""
    _, _, rest = accept.lower().partition("vnd.")
    return re.split(r"[;, \t]", rest, maxsplit=1)[0]


def _begins(segments: Sequence[str], path: str) -> bool:
    own = _split(path)
    return list(segments[: len(own)]) == own


def _split(path: str) -> list[str]:
    return path[1:].split("/") if path != "/" else []
