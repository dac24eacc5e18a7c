from framework.waiting import Waiting, waiting
from prevs.records import AppRecord, PreviewRecord
from prevs.states import State

APP = AppRecord("hello", "/srv/hello", max_previews=2, cpus=0.5, mem=64)


def preview(digit: str, state: State = State.QUEUED, **fields: object) -> PreviewRecord:
    return PreviewRecord("hello", digit * 40, state, **fields)  # type: ignore[arg-type] # fields vary per test


def test_what_waits_is_served_in_the_order_it_came() -> None:
    queue = waiting([APP], [preview("a", changed=2.0), preview("b", changed=1.0)], 9.0)
    assert [demand.sha[0] for demand in queue.demands] == ["b", "a"]


def test_a_demand_is_what_the_app_says() -> None:
    (demand,) = waiting([APP], [preview("a")], 9.0).demands
    assert (demand.cpus, demand.mem) == (0.5, 64)


def test_the_limit_counts_everything_that_has_a_task() -> None:
    for state, is_held in (
        (State.PLACED, True),
        (State.DRAINING, True),
        (State.STOPPED, False),
        (State.FAILED, False),
    ):
        others = [preview("b", state), preview("c", State.RUNNING)]
        queue = waiting([APP], [preview("a"), *others], 9.0)
        assert bool(queue.held_back) is is_held


def test_the_limit_counts_those_that_are_about_to_start() -> None:
    previews = [preview(digit, changed=float(n)) for n, digit in enumerate("abc")]
    queue = waiting([APP], previews, 9.0)
    assert [demand.sha[0] for demand in queue.demands] == ["a", "b"]
    assert queue.held_back["hello", "c" * 40].startswith("hello has 2 previews already")


def test_what_has_no_settings_says_so() -> None:
    queue = waiting([], [preview("a")], 9.0)
    assert queue.held_back == {("hello", "a" * 40): "The settings of its app cannot be read."}


def test_the_last_agent_has_the_image_and_others_know_the_app() -> None:
    previews = [preview("a", agent_id="agent-1"), preview("b", State.STOPPED, agent_id="agent-2")]
    (demand,) = waiting([APP], previews, 9.0).demands
    assert demand.home == "agent-1"
    assert demand.known == {"agent-1", "agent-2"}


def test_patience_ends_and_what_was_lost_has_none() -> None:
    def patient(now: float, lost: int = 0) -> bool:
        (demand,) = waiting([APP], [preview("a", changed=5.0, lost=lost)], now).demands
        return demand.patient

    assert patient(5.5)
    assert not patient(6.0)
    assert not patient(5.5, lost=1)


def test_what_backs_off_is_not_placed_and_keeps_its_reason() -> None:
    backing_off = preview("a", not_before=10.0)
    assert waiting([APP], [backing_off], 9.9) == Waiting((), {})
    assert len(waiting([APP], [backing_off], 10.0).demands) == 1
