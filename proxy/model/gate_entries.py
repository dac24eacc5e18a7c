"""A gate's rules as entries of HAProxy's maps, so that HAProxy chooses as prevs/gate_rules.py does.

    map     HAProxy's   key                             value
    gates   map_str     a host of the gate              `api.7`: its name and revision
    paths   map_beg     `api.7/v2/`                     a label's host, or an account
    values  map_str     `api.7|`                        an account of what holds at all paths
            map_str     a class, | and `hx-version=2`   an answer, or a class
    lots    map_beg     a class, `|w`, the digits of    an answer
                        a lot, or the first few

An account is `TO|VARY|OVERRIDES|REST|CRITERIA`: a label's host, a class or nothing; what Vary has;
the first letters of the overrides that are allowed; what follows a label in its host; what to ask,
in that order, with a ! before what refuses values that have no entry. That of all paths leads to
nothing, and ends with | and the label whose pages are at paths below /_prevs. So
`+api.7.3|cookie,x-version||shop.prevs.example|!hx-version,csession` asks for a header and a cookie.
The account is one text, because choose.lua caches the parsed form by the text. An answer is a
label's host, |, what Vary has, and |||.

A ? in front of an account says that Lua is needed. A ? alone says so for paths below /_prevs/,
whose account is that of all paths; HAProxy also takes a path without an entry for that. Without a
?, all that decides is the lot of the client's address, if the class begins with +; or if that is *,
one header, cookie or parameter, and then that lot; or the lot in a cookie, if it is @. These keys
HAProxy makes itself. A $ is like a *, but Lua is asked where there is no entry: for a version in
Accept, as that may have capital letters; where unknown versions are refused; and at a stack, whose
criterion is s, if a header may name a variant. What no version or no name leads to has an entry
there as well, such as `$api.7.3|a=`.

A variant of a stack has a host of its own in `gates`, whose value is `shop/cart`: the gate's name
and its own. Its one path, `shop/cart/`, has all that choose.lua would answer, and so asks nothing.
For requests that name the variant at the gate's own address, `shop|scart` in `values` has its
label's host; there the accounts end with |, the label of the pages or nothing, | and `shop|s`.
These keys have no revision: a variant that opens or moves changes no entry of the others.

A class stands for more questions: `+api.7.3`, `*api.7.3` or `$api.7.3` if they are about one value,
or `@api.7.3` if the lot is a cookie's. Rules of a gate with the same lots have one class, as most
of them do when all of an app moves to another version: the maps stay small.

HAProxy looks a path up as `api.7` with the path and a slash behind it, so that a key ends at a
segment. A revision has its own keys but for those above and in `gates`, so its other entries can be
added first. Then one changed value per host puts it in force, or an earlier one. No value has a
space, which HAProxy's commands would end with. gates.cfg.j2 and choose.lua in proxy/haproxy read
all this.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from prevs.gate_rules import VERSIONED, find_default, list_criteria, list_vary
from prevs.gates import (
    LOTS,
    ConditionKind,
    Criterion,
    GateRecord,
    Override,
    Rule,
    Sticky,
    Target,
)
from prevs.names import gate_host, host, split_host

_DIGITS = 4
_LETTERS = {kind: kind.value[0] for kind in ConditionKind}
"""m, a, h, c, q"""
_STACK = "s"
"""What stands where a criterion has its letter, if a request may name a variant."""
_PAGES = "/_prevs/"


class GateEntries(NamedTuple):
    """The entries of gates in each map."""

    gates: Mapping[str, str]
    paths: Mapping[str, str]
    values: Mapping[str, str]
    lots: Mapping[str, str]


def list_entries(gate: GateRecord, domain: str) -> GateEntries:
    """Return the entries of a gate; `domain` is that of the labels' hosts."""
    making = _Making(gate, domain)
    for path in dict.fromkeys(rule.path for rule in gate.revision.rules):
        making.add_path(path)
    making.add_revision()
    making.add_variants()
    hosts = dict.fromkeys(list_hosts(gate, domain), making.key)
    return GateEntries({**hosts, **making.hosts}, making.paths, making.values, making.lots)


def list_hosts(gate: GateRecord, domain: str) -> Sequence[str]:
    """Return a gate's own hosts. An address of a label stays that label's."""
    return (gate_host(gate.name, domain), *(h for h in gate.hosts if not split_host(h, domain)))


def find_home(rules: Sequence[Rule]) -> str:
    """Return the label whose pages are at a gate's paths below /_prevs, if none is named there."""
    place = find_default(rules, "/")
    return rules[0 if place is None else place].to[0].label


def read_variant(gate: GateRecord, site: str, domain: str) -> str:
    """Return the variant whose host this is; "" at the gate's own hosts."""
    name, of = split_host(site, domain) or ("", "")
    return name if of == gate.name else ""


def criterion_key(criterion: Criterion) -> str:
    """Return how a criterion begins the second half of a key in `values`."""
    return f"{_LETTERS[criterion.kind]}{criterion.name}"


class _Making:
    """The entries of a gate while they are made."""

    def __init__(self, gate: GateRecord, domain: str) -> None:
        self._app, self._domain, self._revision = gate.app, domain, gate.revision
        self._name = gate.name
        self.key = f"{gate.name}.{gate.revision.number}"
        self._classes = 0
        self._shared: dict[tuple[str, Sequence[Target], Sticky, str], str] = {}
        self.hosts: dict[str, str] = {}
        self.paths: dict[str, str] = {}
        self.values: dict[str, str] = {}
        self.lots: dict[str, str] = {}

    def add_path(self, path: str) -> None:
        """Add the rules of a path."""
        rules = self._revision.rules
        conditional = [rule for rule in rules if rule.path == path and rule.when is not None]
        place = find_default(rules, path)
        default = None if place is None else rules[place]
        alone = default.to[0] if default and len(default.to) == 1 and not conditional else None
        mark = self._find_mark(default, conditional)
        key = f"{self.key}{path.rstrip('/')}/"
        if alone and mark == "+":
            self.paths[key] = self._host(alone)
            return
        vary = ",".join(list_vary(self._revision, path))
        of_class = mark if mark in ("*", "$") else "+"
        if conditional or default is None:
            found = self._add_class(of_class, default, vary)
            self._add_conditions(found, conditional, vary)
        elif alone and mark == "?":
            found = self._host(alone)
        else:
            found = self._share_class(default, vary, of_class)
        if mark == "$" and default is not None:
            asked = next(map(criterion_key, list_criteria(rules, path)), _STACK)
            self.values[f"{found}|{asked}="] = self._lead(default, vary)
        account = self._account(found, vary, ",".join(self._list_criteria(path)))
        self.paths[key] = f"?{account}" if mark == "?" else account

    def add_revision(self) -> None:
        """Add what holds at all paths."""
        home = find_home(self._revision.rules)
        vary = ",".join(list_vary(self._revision, None))
        self.paths[f"{self.key}{_PAGES}"] = "?"
        self.values[f"{self.key}|"] = self._account("", vary, home=home)

    def add_variants(self) -> None:
        """Add the variants: the host of each, and what a request leads to that names it."""
        for name, label in self._revision.variants.items():
            key, to = f"{self._name}/{name}", host(label, self._app, self._domain)
            # The form in which HAProxy looks up `<variant>--<gate>.<domain>`, which clients send.
            self.hosts[host(name, self._name, self._domain)] = key
            self.paths[f"{key}/"] = f"{to}||||{name}|{self._name}|="
            self.paths[f"{key}{_PAGES}"] = "?"
            self.values[f"{key}|"] = f"|||{self._app}.{self._domain}||{label}"
            self.values[f"{self._name}|{_STACK}{name}"] = to

    def _account(self, to: str, vary: str, criteria: str = "", *, home: str = "") -> str:
        override = self._revision.override
        allowed = "".join(one.value[0] for one in Override if one in override)
        account = (to, vary, allowed, f"{self._app}.{self._domain}", criteria)
        if not self._revision.variants:
            return "|".join((*account, home) if home else account)
        return "|".join((*account, home, f"{self._name}|{_STACK}"))

    def _list_criteria(self, path: str) -> Iterator[str]:
        for criterion in list_criteria(self._revision.rules, path):
            strict = self._revision.refuses_unknown and criterion.kind in VERSIONED
            yield f"{'!' if strict else ''}{criterion_key(criterion)}"

    def _find_mark(self, default: Rule | None, rules: Sequence[Rule]) -> str:
        """Return the first character of a path's account.

        `default` and `rules` are those of the path without a condition, and with one.
        """
        by_cookie = any(_is_by_cookie(one) for one in (default, *rules) if one is not None)
        if self._revision.override or (by_cookie and (rules or self._revision.variants)):
            return "?"
        if self._revision.variants:
            return "?" if rules else "$"
        if not rules:
            return "@" if by_cookie else "+"
        asked, *others = {rule.when.criterion for rule in rules if rule.when is not None}
        if others or asked.kind is ConditionKind.METHOD:
            return "?"
        strict = self._revision.refuses_unknown and asked.kind in VERSIONED
        return "$" if strict or asked.kind is ConditionKind.ACCEPT else "*"

    def _add_conditions(self, of_path: str, rules: Sequence[Rule], vary: str) -> None:
        for rule in rules:
            if rule.when is not None:
                key = criterion_key(rule.when.criterion)
                self.values[f"{of_path}|{key}={rule.when.value}"] = self._lead(rule, vary)

    def _lead(self, rule: Rule, vary: str) -> str:
        """Return the answer of a rule's only target, or a class that lots decide about."""
        is_one = len(rule.to) == 1
        return self._answer(rule.to[0], vary) if is_one else self._share_class(rule, vary)

    def _share_class(self, rule: Rule, vary: str, mark: str = "+") -> str:
        """Return the class in which lots lead to a rule's targets, for all rules that are alike."""
        alike = mark, tuple(rule.to), rule.sticky, vary
        if alike not in self._shared:
            self._shared[alike] = self._add_class(mark, rule, vary)
        return self._shared[alike]

    def _add_class(self, mark: str, rule: Rule | None, vary: str) -> str:
        """Return a new class, in which lots lead to the targets of a rule; nowhere without one."""
        by_cookie = rule is not None and _is_by_cookie(rule)
        made = f"{'@' if by_cookie else mark}{self.key}.{self._classes}"
        self._classes += 1
        if rule is not None:
            for prefix, target in list_lots(rule.to):
                self.lots[f"{made}|w{prefix}"] = self._answer(target, vary)
        return made

    def _answer(self, target: Target, vary: str) -> str:
        return f"{self._host(target)}|{vary}|||"

    def _host(self, target: Target) -> str:
        return host(target.label, self._app, self._domain)


def _is_by_cookie(rule: Rule) -> bool:
    return len(rule.to) > 1 and rule.sticky is Sticky.COOKIE


def list_lots(targets: Sequence[Target]) -> Iterator[tuple[str, Target]]:
    """Yield the first digits of lots with their target: as find_target, by the longest that fits.

    At most 36 for each target: no digit needs more than nine.
    """
    rest, *others = targets
    yield "", rest
    if others:
        yield from ((prefix, others[0]) for prefix in _cover(0, others[0].weight))
    if len(others) > 1:
        yield from ((prefix, others[1]) for prefix in _cover(LOTS - others[1].weight, LOTS))


def _cover(start: int, end: int) -> Iterator[str]:
    """Yield the decimal prefixes of the lots from `start` to before `end`."""
    while start < end:
        digits = max(n for n in range(_DIGITS + 1) if start % 10**n == 0 and start + 10**n <= end)
        yield f"{start:0{_DIGITS}d}"[: _DIGITS - digits]
        start += 10**digits
