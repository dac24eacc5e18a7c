"""framework/http_api/jobs/job_requests.py: an order with a key is done once, whoever leads."""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.access import Identity, Scope
from framework.errors import Unavailable
from framework.http_api.jobs.job_orders import JobOrder, JobOrders
from framework.http_api.jobs.job_requests import JobRequests
from framework.http_api.jobs.job_resolver import JobResolver
from framework.http_api.streams.label_resolver import LabelResolver
from framework.jobs.errors import KeyOfAnotherOrder
from framework.state.jobs import job_records
from framework.units.reasons import Reason, ReasonKind
from framework.units.transitions import Stopped
from prevs.jobs import ENDED, JobRecord
from prevs.records import AppRecord
from tests.fakes.jobs import FakeJobs
from tests.fakes.previews import FakePreviews
from tests.fakes.refs import FakeRefs

CI = Identity("ci", Scope.ADMIN)
SIZE = 5
CANCELLED = Stopped(Reason(ReasonKind.STOPPED, "It was cancelled."))


class World:
    """Leaders that follow each other, and a store that may fail at a write."""

    def __init__(self) -> None:
        previews, self.refs = FakePreviews(), FakeRefs()
        previews.known_apps["hello"] = AppRecord("hello", "/srv/hello")
        self.jobs = FakeJobs(previews)
        self.move(0)
        resolver = JobResolver(self.jobs, LabelResolver(previews, self.refs))
        self.fresh = iter(range(10**6))
        self.requests = JobRequests(self.jobs, resolver, lambda: f"fresh {next(self.fresh)}")
        self.writes_left: int | None = None
        self.answers_are_lost = False
        self._write = self.jobs.job_store.write
        self.jobs.job_store.write = self._write_or_fail  # type: ignore[method-assign]

    def _write_or_fail(self, *given: Any, **more: Any) -> None:
        if self.writes_left == 0:
            if self.answers_are_lost:
                self._write(*given, **more)
            raise Unavailable("ZooKeeper")
        if self.writes_left is not None:
            self.writes_left -= 1
        self._write(*given, **more)

    def move(self, number: int) -> None:
        """Let main lead to another commit."""
        self.commit, sha = number, f"{number:040x}"
        self.refs.put("hello", "main", sha)
        self.refs.put("hello", sha, sha, "commit")

    def ask(self, key: str, payload: str, *, who: Identity = CI) -> Sequence[JobRecord]:
        """Order some jobs."""
        one = JobOrder(label="main", command=["true"], payload=payload)
        order = JobOrders(jobs=[one] * SIZE)
        return asyncio.run(self.requests.request("hello", order, who, key))

    def end_all(self) -> None:
        """Let all jobs end, and move into blocks if they are many."""
        jobs = self.jobs.records.jobs
        for job in list(jobs.shown.values()):
            if job.state not in ENDED:
                jobs.change(job, CANCELLED)
        jobs.tidy()


class Ask(NamedTuple):
    """An order with a key; the store fails at a write, with or without having done it."""

    key: str
    payload: str
    fails_at: int | None
    is_done: bool


ASKS = st.builds(
    Ask, st.sampled_from("ab"), st.sampled_from("xy"), st.none() | st.integers(0, 3), st.booleans()
)
OTHERS = st.sampled_from(["lead", "end", "move"])


@given(st.lists(ASKS | OTHERS, max_size=15))
def test_the_same_order_makes_its_jobs_once_and_at_one_commit_over_any_change_of_leaders(
    acts: list[Ask | str],
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job_records, "_AT_ONCE", 2)  # so that an order is several writes
        world = World()
        made: dict[str, tuple[str, list[str]]] = {}
        for act in acts:
            if act == "lead":
                world.jobs.take_over()
            elif act == "end":
                world.end_all()
            elif act == "move":
                world.move(world.commit + 1)
            elif isinstance(act, Ask):
                _ask_and_check(world, act, made)
        world.jobs.take_over()
        shown = world.jobs.records.jobs.shown
        for key, (payload, ids) in made.items():
            assert [job.id for job in world.ask(key, payload)] == ids
        # Nothing is there but what was asked for; of an order that failed, a part may be.
        assert len(shown) <= SIZE * len({act.key for act in acts if isinstance(act, Ask)})


def _ask_and_check(world: World, act: Ask, made: dict[str, tuple[str, list[str]]]) -> None:
    world.writes_left, world.answers_are_lost = act.fails_at, act.is_done
    try:
        jobs = world.ask(act.key, act.payload)
    except Unavailable:
        world.jobs.take_over()
        return
    except KeyOfAnotherOrder:
        assert act.key not in made or made[act.key][0] != act.payload
        return
    finally:
        world.writes_left = None
    ids = [job.id for job in jobs]
    assert made.setdefault(act.key, (act.payload, ids)) == (act.payload, ids)
    assert len(set(ids)) == SIZE
    assert len({job.sha for job in jobs}) == 1


def test_a_key_answers_also_once_its_label_and_its_job_are_gone() -> None:
    world = World()
    before = world.ask("a", "x")
    world.refs.leads.clear()
    world.jobs.take_over()
    assert world.ask("a", "x") == before


def test_a_key_still_answers_when_its_jobs_are_in_blocks() -> None:
    world = World()
    before = world.ask("0", "x")
    for number in range(1, 30):
        world.ask(str(number), "x")
    world.end_all()
    world.jobs.take_over()
    assert before[0].id not in {job.id for job in world.jobs.records.jobs.shown.values()}
    assert [job.id for job in world.ask("0", "x")] == [job.id for job in before]
    with pytest.raises(KeyOfAnotherOrder):
        world.ask("0", "y")


def test_keys_belong_to_their_senders_and_orders_without_one_are_new_each_time() -> None:
    world = World()
    ids = {
        job.id
        for key, who in [("a", "ci"), ("a", "me"), ("", "ci"), ("", "ci")]
        for job in world.ask(key, "x", who=Identity(who, Scope.ADMIN))
    }
    assert len(ids) == 4 * SIZE


def test_nobody_can_guess_a_payload_from_what_is_stored_of_an_order() -> None:
    world = World()
    (first, *_), (other, *_) = world.ask("a", "hunter2"), world.ask("b", "hunter2")
    assert first.order_digest != other.order_digest
    (without, *_) = world.ask("", "hunter2")
    assert without.order_digest == ""
