"""Any story of decisions, dead leaders and changed clocks: each time once, or told why not.

A leader decides by the stored record, and writes the changed record and the new jobs at once. One
that dies before has changed nothing.
"""

import dataclasses
from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from framework.schedules import fires, times
from framework.schedules.fires import MOST_MADE_UP, MOST_SKIPPED, ActiveJob
from prevs.schedules import Missed, Overlap, ScheduleRecord

BEGIN = 1_700_000_000
Step = tuple[Literal["decide", "die", "set clock", "end jobs"], int]

seconds = st.integers(0, 30) | st.integers(0, 4 * 3600)
steps = st.lists(
    st.tuples(st.just("decide"), seconds)
    | st.tuples(st.just("die"), seconds)
    | st.tuples(st.just("set clock"), st.integers(-4 * 3600, 4 * 3600))
    | st.tuples(st.just("end jobs"), st.just(0)),
    max_size=40,
)
schedules = st.builds(
    ScheduleRecord,
    app=st.just("shop"),
    name=st.sampled_from(["report", "mail"]),
    label=st.just("main"),
    every=st.sampled_from([60, 300, 3600]),
    overlap=st.sampled_from(Overlap),
    missed=st.sampled_from(Missed),
    deadline=st.sampled_from([0.0, 900.0]),
    spread=st.sampled_from([0.0, 59.0]),
    created=st.just(float(BEGIN)),
    last=st.just(float(BEGIN)),
)


@dataclasses.dataclass
class World:
    """The stored schedule, its jobs, and a clock that may be set."""

    schedule: ScheduleRecord
    now: float = float(BEGIN)
    made: list[int] = dataclasses.field(default_factory=list)
    skipped: list[int] = dataclasses.field(default_factory=list)
    active: list[ActiveJob] = dataclasses.field(default_factory=list)
    expected: list[int] = dataclasses.field(default_factory=list)
    made_up: list[int] = dataclasses.field(default_factory=list)

    def take(self, step: Step) -> None:
        kind, number = step
        self.now += number
        if kind == "end jobs":
            self.active.clear()
        elif kind != "set clock":
            self.decide(is_stored=kind == "decide")

    def decide(self, *, is_stored: bool) -> None:
        before = self.schedule
        decision = fires.decide(before, self.now, tuple(self.active))
        if not is_stored:
            return
        due = self.list_due()
        self.expected += due[-MOST_MADE_UP - MOST_SKIPPED :]
        self.made_up += due[-MOST_MADE_UP:]
        self.schedule = decision.schedule
        self.made += decision.fires
        self.skipped += [one.nominal for one in decision.skipped]
        self.active = [job for job in self.active if job.id not in decision.replaced]
        self.active += [ActiveJob(f"job-{time}", time) for time in decision.fires]

    def list_due(self) -> list[int]:
        """Return the times that are due and not decided, by counting from the beginning."""
        delay = times.find_delay(self.schedule)
        every = self.schedule.every
        last = max((*self.made, *self.skipped), default=BEGIN)
        until = int(self.now - delay)
        return [time for time in range(BEGIN + every, until + 1, every) if time > last]


@given(schedules, steps)
def test_each_time_makes_one_job_or_is_told(schedule: ScheduleRecord, story: list[Step]) -> None:
    world = World(schedule)
    for step in story:
        world.take(step)
        most = {Overlap.SKIP: 1, Overlap.QUEUE: 2, Overlap.REPLACE: 1}.get(schedule.overlap)
        assert most is None or len(world.active) <= most
    assert world.made == sorted(set(world.made))
    assert sorted(world.made + world.skipped) == world.expected
    assert world.schedule.count == len(world.made)


@given(schedules, steps)
def test_with_all_and_allow_each_time_makes_its_job(
    schedule: ScheduleRecord, story: list[Step]
) -> None:
    world = World(
        dataclasses.replace(schedule, overlap=Overlap.ALLOW, missed=Missed.ALL, deadline=0.0)
    )
    for step in story:
        world.take(step)
    assert world.made == world.made_up


@given(schedules, steps, st.integers(1, 5))
def test_no_schedule_makes_more_jobs_than_it_may(
    schedule: ScheduleRecord, story: list[Step], most: int
) -> None:
    world = World(dataclasses.replace(schedule, times=most))
    for step in story:
        world.take(step)
    assert len(world.made) == world.schedule.count <= most
