from framework.state.withdrawals import Withdrawal, inherited, is_awaited, still_held, withdrawn
from prevs.records import Placement, PlacementsRecord, PreviewRecord, ProxyRecord
from prevs.states import State

A, B = "a" * 40, "b" * 40
ONE = Placement("t1", "127.0.0.1", 31000, ("main",))
TWO = Placement("t2", "127.0.0.2", 31000, ())
BOTH = PlacementsRecord("hello", {A: ONE, B: TWO})
GONE = Withdrawal("hello", 4, "t1", "127.0.0.1", (31000,), since=100.0)
APPLIED = ProxyRecord({"hello": 4})
DRAIN = 30.0


def test_a_removed_route_is_withdrawn() -> None:
    after = PlacementsRecord("hello", {B: TWO})
    assert withdrawn(BOTH, after, 4, 100.0) == [GONE]


def test_a_change_of_labels_withdraws_nothing() -> None:
    after = PlacementsRecord("hello", {A: Placement("t1", "127.0.0.1", 31000, ()), B: TWO})
    assert withdrawn(BOTH, after, 4, 100.0) == []


def test_another_attempt_at_the_commit_withdraws_the_one_before() -> None:
    after = PlacementsRecord("hello", {A: Placement("t9", "127.0.0.9", 31000, ("main",)), B: TWO})
    assert withdrawn(BOTH, after, 4, 100.0) == [GONE]


def test_first_placements_withdraw_nothing() -> None:
    assert withdrawn(None, BOTH, 0, 100.0) == []


def test_a_withdrawal_waits_until_every_proxy_has_applied_that_version() -> None:
    slow, quick = ProxyRecord({"hello": 3}), ProxyRecord({"hello": 9})
    assert still_held([GONE], [quick, slow], 100.5, DRAIN) == [GONE]
    assert still_held([GONE], [quick, APPLIED], 100.5, DRAIN) == []


def test_a_proxy_that_does_not_know_the_app_has_not_removed_its_route() -> None:
    assert still_held([GONE], [ProxyRecord()], 100.5, DRAIN) == [GONE]


def test_without_proxies_a_withdrawal_waits_for_nothing() -> None:
    assert still_held([GONE], [], 100.5, DRAIN) == []


def test_a_withdrawal_waits_two_seconds_for_a_silent_proxy() -> None:
    assert still_held([GONE], [ProxyRecord()], 101.9, DRAIN) == [GONE]
    assert still_held([GONE], [ProxyRecord()], 102.0, DRAIN) == []
    assert is_awaited(GONE, 101.9)
    assert not is_awaited(GONE, 102.0)


def test_open_requests_delay_a_withdrawal_until_they_end_or_the_limit_passes() -> None:
    serving = ProxyRecord({"hello": 4}, ("t0", "t1"))
    assert still_held([GONE], [APPLIED, serving], 129.9, DRAIN) == [GONE]
    assert still_held([GONE], [APPLIED, serving], 130.0, DRAIN) == []
    assert still_held([GONE], [APPLIED, ProxyRecord({"hello": 4}, ("t0",))], 101.0, DRAIN) == []


def preview(state: State, sha: str = A, **fields: object) -> PreviewRecord:
    given = {"task_id": "t1", "agent_host": "127.0.0.1", "host_port": 31000, **fields}
    return PreviewRecord("hello", sha, state, **given)  # type: ignore[arg-type] # fields vary per test


def test_a_new_framework_treats_a_task_without_a_placement_as_just_withdrawn() -> None:
    without = {"hello": PlacementsRecord("hello", {B: TWO})}
    for state in State:
        found = inherited([preview(state)], without, {"hello": 4}, 100.0)
        assert found == ([] if state is State.RUNNING else [GONE])


def test_a_new_framework_leaves_existing_placements_to_their_own_withdrawal() -> None:
    placed = {"hello": BOTH}
    assert inherited([preview(State.DRAINING)], placed, {"hello": 4}, 100.0) == []
    older = preview(State.DRAINING, task_id="t0")
    (found,) = inherited([older], placed, {"hello": 4}, 100.0)
    assert found.task_id == "t0"


def test_a_task_without_a_placement_was_never_withdrawn() -> None:
    assert inherited([preview(State.DRAINING)], {}, {}, 100.0) == []
    queued = preview(State.QUEUED, task_id=None, agent_host=None)
    assert inherited([queued], {}, {"hello": 4}, 100.0) == []
