"""Each promise can be broken, and a history in which all are kept has no finding."""

import math
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.chaos import checker
from tests.chaos.checker import check
from tests.chaos.history import (
    Fault,
    History,
    JobSeen,
    Left,
    Look,
    Name,
    Operation,
    Order,
    Outcome,
    Read,
    Recovery,
    Terms,
    TimeSeen,
    Visit,
    What,
    Write,
)
from tests.chaos.plan import KINDS

OK, REFUSED, UNKNOWN = Outcome
A, B = "a" * 40, "b" * 40
HOST, GATE, INNER = "main.site", "gate", "main.inner"
TERMS = Terms(
    guarded=(INNER,),
    sticky=(GATE,),
    pages={A: "page a", B: "page b"},
    limits={"site": 2},
    within=120,
)
Step = tuple[float, float, Outcome, What]


def history(*steps: Step) -> History:
    made = [Operation(n, "c", *step) for n, step in enumerate((*steps, at(0, TERMS)), 1)]
    return sorted(made, key=lambda one: (one.began, one.number))


def at(began: float, what: What, outcome: Outcome = OK, took: float = 0.5) -> Step:
    return began, math.inf if outcome is UNKNOWN else began + took, outcome, what


def task(commit: str, attempt: int = 1, app: str = "site") -> str:
    return f"{app}.{commit}.{attempt}"


def visit(
    commit: str, *, host: str = HOST, proxy: str = "p", attempt: int = 1, lot: str = ""
) -> Visit:
    return Visit(proxy, host, lot, False, 200, task(commit, attempt), f"page {commit[0]}")


def wrote(*steps: tuple[float, str, Outcome]) -> list[Step]:
    return [at(when, Write("x", value), outcome) for when, value, outcome in steps]


KEPT: Mapping[str, Sequence[Step]] = {
    "nothing": [],
    "a write": [*wrote((1, "1", OK)), at(5, Read("x", "1"))],
    "none": [at(5, Read("x", ""))],
    "the later write": [*wrote((1, "1", OK), (2, "2", OK)), at(5, Read("x", "2"))],
    "one of unknown outcome": [*wrote((1, "1", OK), (2, "2", UNKNOWN)), at(5, Read("x", "1"))],
    "the one of unknown outcome": [*wrote((1, "1", UNKNOWN), (2, "2", OK)), at(5, Read("x", "1"))],
    "one that is being written": [*wrote((1, "1", OK), (5, "2", OK)), at(5.2, Read("x", "2"))],
    "a job": [at(1, Order("k", False, "j")), at(9, JobSeen("j", "k", "succeeded", 2))],
    "a job once": [at(1, Order("k", True, "j")), at(9, JobSeen("j", "k", "failed", 1))],
    "an order of unknown outcome": [at(1, Order("k", False), UNKNOWN)],
    "times": [at(9, TimeSeen("s", 60, "j")), at(9, TimeSeen("s", 120, "i"))],
    "a push": [
        at(1, Name(HOST, "site", (A,))),
        at(2, visit(A)),
        at(3, Name(HOST, "site", (B,))),
        at(4, visit(A)),
        at(5, visit(B)),
        at(5, visit(A, proxy="q")),
    ],
    "a push that is taken back": [
        *(at(n, Name(HOST, "site", (one,))) for n, one in enumerate((A, B, A))),
        *(at(n, visit(one)) for n, one in ((4, A), (5, B), (6, A))),
    ],
    "visits at once": [
        at(1, Name(HOST, "site", (A,))),
        at(2, Name(HOST, "site", (B,))),
        at(3, visit(B)),
        at(3.2, visit(A)),
    ],
    "no answer": [at(1, Visit("p", HOST), REFUSED), at(1, Visit("p", INNER, status=401))],
    "a pass": [
        at(1, Name(INNER, "in", (A,))),
        at(2, Visit("p", INNER, "", True, 200, f"in.{A}.1", "page a")),
    ],
    "clients": [
        at(1, Name(GATE, "site", (A, B))),
        *(at(2, visit(c, host=GATE, lot=lot)) for c, lot in ((A, "1"), (B, "2"), (A, "1"))),
    ],
    "previews": [at(1, Look({"site": 2, "other": 9}, (("site", A, "t"), ("site", B, "u"))))],
    "another attempt": [
        at(1, Name(HOST, "site", (A,))),
        *(at(2 + n, visit(A, attempt=n)) for n in (1, 2, 3)),
        at(2, visit(A, attempt=9, proxy="q")),
    ],
    "all again": [at(1, Recovery(HOST), took=100), at(1, Left("containers", ()))],
    "a fault that was undone": [at(1, Fault("kill", "proxy"))],
}


@pytest.mark.parametrize("steps", KEPT.values(), ids=KEPT)
def test_what_keeps_every_promise_has_no_finding(steps: Sequence[Step]) -> None:
    assert check(history(*steps)) == []


BROKEN: Sequence[tuple[str, Sequence[Step]]] = [
    ("writes_survive: 2: x is ''", [*wrote((1, "1", OK)), at(5, Read("x", ""))]),
    ("writes_survive", [*wrote((1, "1", OK), (2, "2", OK)), at(5, Read("x", "1"))]),
    ("writes_survive", [*wrote((1, "1", OK), (2, "2", REFUSED)), at(5, Read("x", "2"))]),
    ("writes_survive", [*wrote((1, "1", OK)), at(5, Read("x", "what nobody wrote"))]),
    ("no_job_is_lost: 1: job j is not there", [at(1, Order("k", False, "j"))]),
    (
        "no_job_is_lost: 1: job j is queued",
        [at(1, Order("k", False, "j")), at(9, JobSeen("j", "k", "queued", 1))],
    ),
    (
        "no_job_is_lost: 1: job j has succeeded and never started",
        [at(1, Order("k", False, "j")), at(9, JobSeen("j", "k", "succeeded", 0))],
    ),
    (
        "once_never_starts_twice: 2: job j",
        [at(1, Order("k", True, "j")), at(9, JobSeen("j", "k", "succeeded", 2))],
    ),
    (
        "each_order_is_one_job: the order k has made ['i', 'j']",
        [
            at(1, Order("k", False), UNKNOWN),
            *(at(9, JobSeen(job, "k", "succeeded", 1)) for job in "ij"),
        ],
    ),
    (
        "no_time_is_doubled: s has made ['i', 'j'] for 60",
        [at(9, TimeSeen("s", 60, "j")), at(9, TimeSeen("s", 60, "i"))],
    ),
    (
        "only_named_commits_answer: 2: main.site is answered by site at bbbbbbb",
        [at(1, Name(HOST, "site", (A,))), at(2, visit(B))],
    ),
    (
        "only_named_commits_answer",
        [at(1, visit(A)), at(5, Name(HOST, "site", (A,)))],
    ),
    ("only_named_commits_answer", [at(1, Name(HOST, "other", (A,))), at(2, visit(A))]),
    (
        "only_named_commits_answer",
        [at(1, Name(HOST, "site", (A,)), REFUSED), at(2, visit(A))],
    ),
    (
        "no_address_goes_back: 4: p leads main.site back from name 1 to 0",
        [
            at(1, Name(HOST, "site", (A,))),
            at(2, Name(HOST, "site", (B,))),
            at(3, visit(B)),
            at(4, visit(A)),
        ],
    ),
    (
        "each_commit_answers_its_own_page: 2",
        [
            at(1, Name(HOST, "site", (A,))),
            at(2, Visit("p", HOST, status=200, task=task(A), page="page b")),
        ],
    ),
    (
        "nothing_guarded_is_shown: 2: main.inner",
        [at(1, Name(INNER, "in", (A,))), at(2, Visit("p", INNER, status=500, task=f"in.{A}.1"))],
    ),
    ("nothing_guarded_is_shown", [at(2, Visit("p", INNER, status=200))]),
    (
        "clients_stay_at_their_target: 3: gate leads client 1 to bbbbbbb, in 2 to aaaaaaa",
        [
            at(1, Name(GATE, "site", (A, B))),
            *(at(n, visit(c, host=GATE, lot="1")) for n, c in ((2, A), (3, B))),
        ],
    ),
    ("no_more_run_than_may: 1: 3 previews of site", [at(1, Look({"site": 3}, ()))]),
    (
        "one_attempt_is_routed: 1: site at aaaaaaa has 2 routes",
        [at(1, Look({}, (("site", A, "t"), ("site", A, "u"))))],
    ),
    (
        f"one_attempt_is_routed: 4: p leads back to {task(A, 1)}",
        [
            at(1, Name(HOST, "site", (A,))),
            *(at(2 + n, visit(A, attempt=attempt)) for n, attempt in enumerate((1, 2, 1))),
        ],
    ),
    ("all_answer_again: 1: main.site does not", [at(1, Recovery(HOST), UNKNOWN)]),
    ("all_answer_again: 1: main.site answers again after 121", [at(1, Recovery(HOST), took=121)]),
    ("nothing_is_left: 1: left containers: t, u", [at(1, Left("containers", ("t", "u")))]),
    ("nothing_is_left: 1: kill of proxy was not undone", [at(1, Fault("kill", "proxy"), UNKNOWN)]),
]


@pytest.mark.parametrize(("finding", "steps"), BROKEN)
def test_each_promise_can_be_broken(finding: str, steps: Sequence[Step]) -> None:
    [found] = check(history(*steps))
    assert found.startswith(finding)


@pytest.mark.parametrize(("finding", "steps"), BROKEN)
def test_no_fault_excuses_anything(finding: str, steps: Sequence[Step]) -> None:
    faults = [at(0, Fault(kind.name, kind.targets[0]), took=100) for kind in KINDS]
    [found] = check(history(*steps, *faults))
    assert found.startswith(finding)


def test_every_promise_of_the_checker_is_broken_by_one_of_these() -> None:
    promises = {
        name
        for name, value in vars(checker).items()
        if callable(value) and getattr(value, "__annotations__", {}).get("terms") is Terms
    } - {"check"}
    assert {finding.partition(":")[0] for finding, _ in BROKEN} == promises


OUTCOMES = st.sampled_from(list(Outcome))


@given(st.lists(st.tuples(OUTCOMES, st.booleans()), max_size=12), st.data())
def test_a_register_that_keeps_its_writes_is_never_suspected(
    writes: list[tuple[Outcome, bool]], data: st.DataObject
) -> None:
    """Each write happens between its begin and its end, one of unknown outcome perhaps never."""
    steps: list[Step] = []
    value = ""
    for n, (outcome, happens) in enumerate(writes):
        steps.append(at(n, Write("x", str(n)), outcome))
        if outcome is OK or (outcome is UNKNOWN and happens):
            value = str(n)
        if data.draw(st.booleans()):
            steps.append(at(n + 0.7, Read("x", value), took=0.1))
    assert check(history(*steps)) == []


@given(st.lists(OUTCOMES, max_size=12), st.lists(OUTCOMES, max_size=12))
def test_a_register_that_forgets_an_acknowledged_write_is_found(
    before: list[Outcome], after: list[Outcome]
) -> None:
    outcomes = [*before, OK, OK, *after]
    lost = str(len(before))
    steps = [at(n, Write("x", str(n)), outcome) for n, outcome in enumerate(outcomes)]
    assert check(history(*steps, at(99, Read("x", lost))))


@given(st.lists(st.tuples(st.sampled_from("pq"), st.booleans()), max_size=40))
def test_proxies_that_only_go_forward_are_never_suspected(moves: list[tuple[str, bool]]) -> None:
    """Each proxy follows a branch at its own pace, over commits that each come once."""
    commits = [f"{n:040x}" for n in range(len(moves) + 1)]
    steps: list[Step] = [at(n / 100, Name(HOST, "site", (c,))) for n, c in enumerate(commits)]
    place = {"p": 0, "q": 0}
    for n, (proxy, moved) in enumerate(moves):
        place[proxy] += moved
        answer = Visit(proxy, HOST, status=200, task=task(commits[place[proxy]]), page="")
        steps.append(at(10 + n, answer))
    assert check(history(*steps)) == []
    shown = [what for *_, what in steps if isinstance(what, Visit) and what.proxy == "p"]
    if len({what.task for what in shown}) > 1:
        assert any("goes_back" in one for one in check(history(*steps, at(99, shown[0]))))
