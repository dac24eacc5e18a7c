"""A gate's rules as entries of HAProxy's maps: they mean what prevs/gate_rules.py says."""

import dataclasses
import re
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from hypothesis import example, given
from hypothesis import strategies as st

from prevs.gate_rules import Choice, Request, choose, find_target
from prevs.gates import (
    LOTS,
    Condition,
    ConditionKind,
    GateRecord,
    Override,
    Revision,
    Rule,
    Sticky,
    Target,
)
from proxy.model.gate_entries import GateEntries, find_home, list_entries, list_lots
from tests.fakes.random_gates import REQUESTS, REVISIONS, merge

DOMAIN = "prevs.example"
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def map_beg(entries: Mapping[str, str], text: str) -> str | None:
    """Return what HAProxy's converter finds: the value of the longest key at the beginning."""
    found = [key for key in entries if text.startswith(key)]
    return entries[max(found, key=len)] if found else None


class Answer(NamedTuple):
    """Where HAProxy would send a request: to a label's host, or with a status to nobody.

    `variant` is what it tells the application.
    """

    to: str | int
    vary: str
    variant: str = ""


class Haproxy:
    """What HAProxy's rules and choose.lua do, on maps that have the entries of several gates."""

    def __init__(self, *gates: GateRecord) -> None:
        each = [list_entries(gate, DOMAIN) for gate in gates]
        self.maps = GateEntries(*(merge(*maps) for maps in zip(*each, strict=True)))

    def answer(self, host: str, request: Request) -> Answer:
        """Return where a request goes."""
        key = self.maps.gates[host]
        path = request.path if request.path.startswith("/") else ""  # what the fetch `path` gives
        found = map_beg(self.maps.paths, f"{key}{path}/") or "?"
        if found == "?":
            found = self.maps.values[f"{key}|"]
        if "|" not in found:
            return Answer(found, "")
        if found.endswith("|="):
            return Answer(found.split("|")[0], "", found.split("|")[4])
        if found.startswith(("*", "$")):
            found = self._find_by_value(found, request) or found
        if found.startswith(("*", "+")):
            to = found.split("|")[0]
            found = map_beg(self.maps.lots, f"{to}|w{request.lot:04d}") or found
        if found.startswith("@") and (lot := read_lot(request)):
            found = map_beg(self.maps.lots, f"{found.split('|')[0]}|w{lot}") or found
        if not found.startswith(("*", "$", "+", "?", "@", "|")):
            to, vary, *_ = found.split("|")
            return Answer(to, vary)
        found = found.removeprefix("?")
        to, vary, allowed, rest, criteria, *more = found.split("|")
        if variant := self._find_variant(more, request):
            name, host = variant
            return Answer(host, vary, name)
        overrides = {
            "h": request.headers.get("x-prevs-ref"),
            "q": request.query.get("prevs-ref"),
            "c": request.cookies.get("prevs-ref"),
        }
        for kind in allowed:
            if ref := overrides[kind]:
                return Answer(f"{ref}.{rest}" if _LABEL.fullmatch(ref) else 400, vary)
        return Answer(self._ask_more(to, criteria, request) if to else 404, vary)

    def _find_variant(self, more: Sequence[str], request: Request) -> tuple[str, str] | None:
        """Return the variant that a request names at a gate of a stack, and its label's host."""
        of_stack = "|".join(more[1:])
        headers = request.headers
        pairs = [pair.lstrip(" ") for pair in headers.get("baggage", "").split(",")]
        entries = [pair for pair in pairs if pair.startswith("prevs-stack=")]
        in_baggage = entries[-1].removeprefix("prevs-stack=").split(";")[0] if entries else ""
        for name in (headers.get("x-prevs-stack", ""), in_baggage) if of_stack else ():
            if host := self.maps.values.get(of_stack + name):
                return name, host
        return None

    def _find_by_value(self, account: str, request: Request) -> str | None:
        of_path, *_, criterion = account.replace("!", "").split("|")
        return self.maps.values.get(f"{of_path}|{criterion}={fetch_alone(criterion, request)}")

    def _ask_more(self, to: str, criteria: str, request: Request) -> str | int:
        found, strict = None, False
        for one in filter(None, criteria.split(",")):
            key = one.removeprefix("!")
            value = fetch(key, request)
            if value and found is None:
                found = self.maps.values.get(f"{to}|{key}={value}")
                strict |= key != one
        if found is None and strict:
            return 400
        lots_of = to if found is None else found
        if not lots_of.startswith(("*", "$", "+", "@")):
            return lots_of.split("|")[0]
        known = read_lot(request) if lots_of.startswith("@") else ""
        lot = known or f"{request.lot:04d}"
        answer = map_beg(self.maps.lots, f"{lots_of}|w{lot}")
        return answer.split("|")[0] if answer else 404


def read_lot(request: Request) -> str:
    known = request.cookies.get("prevs-lot", "")
    return known if re.fullmatch("[0-9]{4}", known, re.ASCII) else ""


def fetch_alone(key: str, request: Request) -> str | None:
    """Return what HAProxy's expression finds, without Lua; None for what is Lua's."""
    if key == "s":
        return None if {"baggage", "x-prevs-stack"} & set(request.headers) else ""
    accept = request.headers.get("accept")
    if key != "a" or accept is None:
        return fetch(key, request)
    found = re.match(r".*?(?i:vnd[.])([^;, \t]*)", accept)
    return None if found and found[1] != found[1].lower() else fetch("a", request) or ""


def fetch(key: str, request: Request) -> str | None:
    """Return what choose.lua reads for a criterion."""
    accept = request.headers.get("accept", "").lower()
    kind, name = key[0], key[1:]
    if kind == "m":
        return request.method
    if kind == "a":
        return re.sub(r"^.*?vnd[.]([^;, \t]*).*$", r"\1", accept) if "vnd." in accept else None
    of = {"h": request.headers, "c": request.cookies, "q": request.query}
    return of[kind].get(name)


def gate(revision: Revision, name: str = "api", **more: Collection[str]) -> GateRecord:
    return GateRecord(name, "shop", revision, hosts=tuple(more.get("hosts", ())))


@given(REVISIONS, REVISIONS, st.lists(REQUESTS, min_size=1, max_size=20))
def test_the_maps_choose_as_the_rules_do_also_beside_another_gate(
    revision: Revision, other: Revision, requests: list[Request]
) -> None:
    haproxy = Haproxy(gate(revision), gate(other, "api-1"))
    for one in requests:
        is_open = one.variant in revision.variants
        request = one if is_open else one._replace(variant="")
        expected = choose(revision, request)
        host = f"{one.variant}.api.{DOMAIN}" if is_open else f"api.{DOMAIN}"
        found = haproxy.answer(host, request)
        if isinstance(expected, Choice):
            assert found.to == f"{expected.label}.shop.{DOMAIN}", (request, expected)
            assert found.variant == expected.variant, (request, expected)
        else:
            assert found.to == expected.status, (request, expected)
        assert found.vary == ",".join(expected.vary), request


@given(REVISIONS)
def test_another_revision_has_other_keys_so_that_both_may_be_there(revision: Revision) -> None:
    first = list_entries(gate(revision), DOMAIN)
    later = list_entries(gate(dataclasses.replace(revision, number=7)), DOMAIN)
    assert set(first.gates) == set(later.gates)
    assert set(first.gates.values()) != set(later.gates.values())
    for one, other in zip(first[1:], later[1:], strict=True):
        for key in set(one) & set(other):
            assert key.startswith(("api/", "api|s")), "it is a variant's"
            assert one[key] == other[key]


def test_a_variant_that_opens_changes_no_entry_of_the_others() -> None:
    rules, variants = (Rule("/", (Target("main"),)),), {"cart": "cart--api", "search": "main"}
    before = list_entries(gate(Revision(7, rules, variants={"cart": "cart--api"})), DOMAIN)
    after = list_entries(gate(Revision(8, rules, variants=variants)), DOMAIN)
    kept = {key: value for one in before for key, value in one.items() if "cart" in key}
    assert kept == {
        "cart.api.prevs.example": "api/cart",
        "api/cart/": "cart--api.shop.prevs.example||||cart|api|=",
        "api/cart/_prevs/": "?",
        "api/cart|": "|||shop.prevs.example||cart--api",
        "api|scart": "cart--api.shop.prevs.example",
    }
    assert kept.items() <= merge(*after).items()
    assert after.paths["api.8/"] == ("$api.8.0|baggage,x-prevs-stack||shop.prevs.example|||api|s")
    answer = "main.shop.prevs.example|baggage,x-prevs-stack|||"
    assert (after.values["$api.8.0|s="], after.lots["$api.8.0|w"]) == (answer, answer)
    assert after.values["api.8|"] == "|baggage,x-prevs-stack||shop.prevs.example||main|api|s"


def test_the_layout_is_the_documented_one() -> None:
    canary = (Target("main", 9500), Target("pr-7", 300), Target("v1", 200))
    rules = (
        Rule("/v1", (Target("v1"),)),
        Rule("/v2", canary, sticky=Sticky.COOKIE),
        Rule("/", (Target("main"),)),
        Rule("/", (Target("v1"),), Condition(ConditionKind.HEADER, "1", "x-version")),
    )
    revision = Revision(7, rules, (Override.HEADER,), refuses_unknown=True)
    assert list_entries(gate(revision, hosts=["api.example.com"]), DOMAIN) == GateEntries(
        gates={"api.prevs.example": "api.7", "api.example.com": "api.7"},
        paths={
            "api.7/v1/": "?v1.shop.prevs.example|x-prevs-ref|h|shop.prevs.example|",
            "api.7/v2/": "?@api.7.0|cookie,x-prevs-ref|h|shop.prevs.example|",
            "api.7/": "?+api.7.1|x-prevs-ref,x-version|h|shop.prevs.example|!hx-version",
            "api.7/_prevs/": "?",
        },
        values={
            "+api.7.1|hx-version=1": "v1.shop.prevs.example|x-prevs-ref,x-version|||",
            "api.7|": "|x-prevs-ref|h|shop.prevs.example||main",
        },
        lots={
            "@api.7.0|w": "main.shop.prevs.example|cookie,x-prevs-ref|||",
            "@api.7.0|w00": "pr-7.shop.prevs.example|cookie,x-prevs-ref|||",
            "@api.7.0|w01": "pr-7.shop.prevs.example|cookie,x-prevs-ref|||",
            "@api.7.0|w02": "pr-7.shop.prevs.example|cookie,x-prevs-ref|||",
            "@api.7.0|w98": "v1.shop.prevs.example|cookie,x-prevs-ref|||",
            "@api.7.0|w99": "v1.shop.prevs.example|cookie,x-prevs-ref|||",
            "+api.7.1|w": "main.shop.prevs.example|x-prevs-ref,x-version|||",
        },
    )


def test_haproxy_alone_looks_up_one_value_and_lots_where_nothing_else_decides() -> None:
    one, half = (Target("v1"),), (Target("main", 5000), Target("v1", 5000))
    version = Condition(ConditionKind.HEADER, "1", "x-version")
    rules = (
        Rule("/", half),
        Rule("/c", half, sticky=Sticky.COOKIE),
        Rule("/h", one, version),
        Rule("/w", half, version),
        Rule("/a", one, version),
        Rule("/a", one, Condition(ConditionKind.HEADER, "1", "x-other")),
        Rule("/k", one, Condition(ConditionKind.COOKIE, "1", "v")),
        Rule("/q", one, Condition(ConditionKind.QUERY, "1", "v")),
        Rule("/t", one, Condition(ConditionKind.ACCEPT, "v2+json")),
    )
    found = list_entries(gate(Revision(7, rules)), DOMAIN)
    assert found.paths == {
        "api.7/_prevs/": "?",
        "api.7/": "+api.7.0|*||shop.prevs.example|",
        "api.7/c/": "@api.7.1|cookie||shop.prevs.example|",
        "api.7/h/": "*api.7.2|*||shop.prevs.example|hx-version",
        "api.7/w/": "*api.7.3|*||shop.prevs.example|hx-version",
        "api.7/a/": "?+api.7.4|*||shop.prevs.example|hx-other,hx-version",
        "api.7/k/": "*api.7.5|*||shop.prevs.example|cv",
        "api.7/q/": "*api.7.6|*||shop.prevs.example|qv",
        "api.7/t/": "$api.7.7|*||shop.prevs.example|a",
    }
    assert found.values["$api.7.7|a="] == "+api.7.0"
    asking = list_entries(gate(Revision(7, rules[:1], override=(Override.HEADER,))), DOMAIN)
    assert asking.paths["api.7/"].startswith("?")
    stack = list_entries(gate(Revision(7, rules[:3], variants={"cart": "main"})), DOMAIN)
    marks = {path: stack.paths[path][0] for path in ("api.7/", "api.7/c/", "api.7/h/")}
    assert marks == {"api.7/": "$", "api.7/c/": "?", "api.7/h/": "?"}
    strict = list_entries(gate(Revision(7, rules[2:3], refuses_unknown=True)), DOMAIN)
    assert strict.paths["api.7/h/"] == "$api.7.0|x-version||shop.prevs.example|!hx-version"


def test_rules_that_are_alike_share_their_lots() -> None:
    half, other = (
        (Target("main", 5000), Target("v1", 5000)),
        (Target("main", 1), Target("v1", 9999)),
    )
    rules = [Rule(f"/{number}", half) for number in range(100)]
    found = list_entries(gate(Revision(7, tuple(rules))), DOMAIN)
    assert set(found.paths.values()) == {"+api.7.0|*||shop.prevs.example|", "?"}
    assert found.lots == list_entries(gate(Revision(7, (rules[0],))), DOMAIN).lots
    unlike = (Rule("/b", half, sticky=Sticky.COOKIE), Rule("/c", other))
    more = list_entries(gate(Revision(7, (*rules, *unlike))), DOMAIN)
    assert {key.partition("|")[0] for key in more.lots} == {"+api.7.0", "@api.7.1", "+api.7.2"}


@given(st.integers(0, LOTS), st.integers(0, LOTS), st.lists(st.integers(0, LOTS - 1)))
@example(9999, 0, [])
@example(0, 9999, [])
@example(LOTS, 0, [])
@example(0, LOTS, [])
def test_prefixes_of_lots_have_their_targets_and_are_few(
    second: int, third: int, lots: list[int]
) -> None:
    third = min(third, LOTS - second)
    weighted = [Target("main", LOTS - second - third), Target("pr-7", second), Target("v1", third)]
    prefixes = list(list_lots(weighted))
    entries = {prefix: target.label for prefix, target in prefixes}
    borders = {0, second - 1, second, LOTS - third - 1, LOTS - third, LOTS - 1}
    for lot in borders.intersection(range(LOTS)).union(lots):
        assert map_beg(entries, f"{lot:04d}") == find_target(weighted, lot).label
    assert all(len([1 for _, to in prefixes if to is one]) <= 36 for one in weighted)


@given(REVISIONS)
def test_every_entry_fits_into_a_line_of_a_map(revision: Revision) -> None:
    for entries in list_entries(gate(revision), DOMAIN):
        for key, value in entries.items():
            assert re.fullmatch(r"[^\s#;\\][^\s;\\]*", key)
            assert re.fullmatch(r"[^\s;\\]+", value)


def test_an_address_of_a_label_stays_that_labels() -> None:
    revision = Revision(1, (Rule("/", (Target("main"),)),))
    hosts = ["v1.shop.prevs.example", "v1--shop.prevs.example", "shop.example"]
    found = list_entries(gate(revision, hosts=hosts), DOMAIN)
    assert list(found.gates) == ["api.prevs.example", "shop.example"]


def test_the_pages_below_prevs_are_those_of_the_first_label_at_the_root() -> None:
    v1, main = Rule("/v1", (Target("v1"),)), Rule("/", (Target("main"), Target("pr-7", 0)))
    assert find_home((v1, main)) == "main"
    assert find_home((v1,)) == "v1"
