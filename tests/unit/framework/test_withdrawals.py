from framework.withdrawals import Withdrawal, still_held, withdrawn
from prevs.records import Placement, PlacementsRecord, ProxyRecord

A, B = "a" * 40, "b" * 40
ONE = Placement("t1", "127.0.0.1", 31000, ("main",))
TWO = Placement("t2", "127.0.0.2", 31000, ())
BOTH = PlacementsRecord("hello", {A: ONE, B: TWO})
GONE = Withdrawal("hello", 4, "127.0.0.1", 31000, until=102.0)


def test_what_a_change_takes_away_is_withdrawn() -> None:
    after = PlacementsRecord("hello", {B: TWO})
    assert withdrawn(BOTH, after, 4, 100.0) == [GONE]


def test_a_change_of_labels_withdraws_nothing() -> None:
    after = PlacementsRecord("hello", {A: Placement("t1", "127.0.0.1", 31000, ()), B: TWO})
    assert withdrawn(BOTH, after, 4, 100.0) == []


def test_first_placements_withdraw_nothing() -> None:
    assert withdrawn(None, BOTH, 0, 100.0) == []


def test_it_is_held_until_every_proxy_has_applied_that_version() -> None:
    slow, quick = ProxyRecord({"hello": 3}), ProxyRecord({"hello": 9})
    assert still_held([GONE], [quick, slow], 100.5) == [GONE]
    assert still_held([GONE], [quick, ProxyRecord({"hello": 4})], 100.5) == []


def test_a_proxy_that_never_heard_of_the_app_has_not_let_go() -> None:
    assert still_held([GONE], [ProxyRecord()], 100.5) == [GONE]


def test_without_proxies_nothing_is_held() -> None:
    assert still_held([GONE], [], 100.5) == []


def test_a_limit_ends_it() -> None:
    assert still_held([GONE], [ProxyRecord()], 102.0) == []
