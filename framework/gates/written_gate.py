"""A gate as people write it, and the check that makes a record of it. Pure.

    {"app": "shop", "hosts": ["api.example.com"], "override": ["header"], "unknown": 400,
     "on_delete": "default",
     "rules": [{"path": "/v2", "to": [{"label": "main", "weight": 90},
                                      {"label": "pr-7", "weight": 10}], "sticky": "cookie"},
               {"path": "/", "when": {"header": "X-Api-Version", "is": "2015-03-27"},
                "to": [{"label": "v1"}]},
               {"path": "/", "to": [{"label": "main"}]}]}

The order of the rules means nothing, except that the first target of each takes the lots that the
others leave.
"""

import dataclasses
import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from framework.errors import InvalidSettings, Problem
from framework.gates import conditions, history, rules
from framework.gates.written_rule import WrittenRule
from prevs.declarations import list_values
from prevs.gate_rules import VERSIONED
from prevs.gates import GateRecord, GateSettings, Override, Revision
from prevs.names import PROXIES_OWN, is_app_name, is_label, split_host

MOST_RULES = 100
MOST_LABELS = 50
"""Different ones; each may be kept running."""

MOST_HOSTS = 16
LONGEST_HOST = 253
_ADDRESS = re.compile(r"[0-9]+", re.ASCII)


@dataclasses.dataclass(frozen=True)
class _Rules:
    app: str
    rules: Sequence[WrittenRule]


# The fields of the last base come first: they have no default.
@dataclasses.dataclass(frozen=True)
class WrittenGate(GateSettings, _Rules):
    """What a gate is to be, as GateRecord and Revision have it.

    `unknown` is 400 if a version that no rule has is refused, and None if not.
    """

    override: Sequence[str] = ()
    unknown: int | None = None


@dataclasses.dataclass(frozen=True)
class Neighbours:
    """What a gate may not collide with: the apps, and the gates by host. `domain` is prevs's."""

    domain: str
    apps: Collection[str] = ()
    gates: Mapping[str, str] = dataclasses.field(default_factory=dict)


def check(
    name: str,
    written: WrittenGate,
    neighbours: Neighbours,
    *,
    now: float,
    by: str,
    before: GateRecord | None = None,
) -> GateRecord:
    """Return the record of a gate written at `now`, with the revisions of `before` as earlier ones.

    Raises InvalidSettings with all problems.
    """
    problems = list(_find_problems(name, written, neighbours))
    if before is not None and before.app != written.app:
        wrong = f"is {before.app}, and cannot change. Remove the gate, and make it anew."
        problems.append(Problem("app", wrong))
    if problems:
        raise InvalidSettings(problems)
    number = history.next_number(before)
    record = GateRecord(
        name=name,
        app=written.app,
        revision=_make_revision(written, number, now, by),
        created=now if before is None else before.created,
        **{**list_values(written), "hosts": tuple(map(_read_host, written.hosts))},
    )
    return record if before is None else history.follow(record, before)


def _make_revision(written: WrittenGate, number: int, now: float, by: str) -> Revision:
    """Return the revision of rules without a mistake. Raises InvalidSettings if it is too long."""
    revision = Revision(
        number=number,
        rules=tuple(map(rules.make_rule, written.rules)),
        override=tuple(one for one in Override if one.value in written.override),
        refuses_unknown=written.unknown is not None,
        changed=now,
        by=by,
    )
    if problem := history.find_size_problem(revision):
        raise InvalidSettings([Problem("rules", problem)])
    return revision


def _find_problems(name: str, written: WrittenGate, neighbours: Neighbours) -> Iterator[Problem]:
    domain = neighbours.domain
    others = {host: gate for host, gate in neighbours.gates.items() if gate != name}
    other_apps = set(neighbours.apps) - {written.app}
    if problem := _find_name_problem(name, other_apps):
        yield Problem("name", problem)
    if len(written.hosts) > MOST_HOSTS:
        yield Problem("hosts", f"may be {MOST_HOSTS}, not {len(written.hosts)}")
    for place, host in enumerate(written.hosts):
        if problem := _find_host_problem(host, domain, others):
            yield Problem(f"hosts[{place}]", problem)
        elif _read_host(host) in map(_read_host, written.hosts[:place]):
            yield Problem(f"hosts[{place}]", "is there twice")
    known = [one.value for one in Override]
    for place, kind in enumerate(written.override):
        if kind not in known:
            yield Problem(f"override[{place}]", f"must be {', '.join(known)}, not {kind[:60]!r}")
    yield from _find_rules_problems(written)


def _find_rules_problems(written: WrittenGate) -> Iterator[Problem]:
    if not 1 <= len(written.rules) <= MOST_RULES:
        yield Problem("rules", f"must be 1 to {MOST_RULES}, not {len(written.rules)}")
        return
    for place, rule in enumerate(written.rules):
        yield from rules.find_problems(f"rules[{place}]", rule)
    yield from rules.find_problems_between(written.rules)
    labels = {target.label for rule in written.rules for target in rule.to}
    if len(labels) > MOST_LABELS:
        yield Problem("rules", f"may lead to {MOST_LABELS} labels, not {len(labels)}")
    if problem := _find_unknown_problem(written):
        yield Problem("unknown", problem)


def _find_unknown_problem(written: WrittenGate) -> str | None:
    if written.unknown is None:
        return None
    kinds = {conditions.find_kind(rule.when) for rule in written.rules if rule.when is not None}
    if written.unknown != 400:
        return "must be 400, or left out: then the path's other rules decide"
    if not kinds & VERSIONED:
        return (
            "needs a rule with a version, as `when` with accept, header or query. "
            "Write one, or leave it out."
        )
    return None


def _read_host(text: str) -> str:
    """Return a host as HAProxy compares it."""
    return text.lower().removesuffix(".")


def _find_name_problem(name: str, other_apps: Collection[str]) -> str | None:
    """Return what is wrong with a gate's name; None if nothing is."""
    if not is_app_name(name):
        return "must be 1 to 40 of a-z, 0-9 and -, a letter first, no - last and no -- within"
    if name in PROXIES_OWN:
        return f"cannot be {name}, as prevs itself has that address. Choose another name."
    if name in other_apps:
        return f"cannot be the name of another app, {name}. Choose the gate's own app, or none."
    return None


def _find_host_problem(host: str, domain: str, taken: Mapping[str, str]) -> str | None:
    """Return what is wrong with a host beside `<gate>.<domain>`; None if nothing is.

    `taken` has the gates by their hosts, without this gate.
    """
    name = _read_host(host)
    labels = name.split(".")
    if len(name) > LONGEST_HOST or len(labels) < 2 or not all(map(is_label, labels)):
        return "must be a whole host name without a port, and without *: api.example.com"
    if _ADDRESS.fullmatch(labels[-1]):
        return "cannot be an IP address. Write a host name."
    if name in taken:
        return f"is an address of the gate {taken[name]}. Remove it there first."
    return _find_problem_below(name, domain) if f".{name}".endswith(f".{domain}") else None


def _find_problem_below(name: str, domain: str) -> str:
    """Return what is wrong with a host below the domain of previews: one or the other is there."""
    found = split_host(name, domain)
    if found is None:
        return f"is at {domain}, where only gates and labels are. Name the gate so instead."
    return f"is an address of the app {found[1]}, at which its labels are. Write a host elsewhere."
