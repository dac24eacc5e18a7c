from framework.http_api.jobs.job_presenter import JobPresenter
from framework.units.reasons import ReasonKind
from prevs.job_settings import JobSettings
from prevs.jobs import JobRecord, JobState


def job(number: int, mem: int = 128, **fields: object) -> JobRecord:
    terms = JobSettings(("x",), mem=mem)
    return JobRecord("hello", f"{number}", "a" * 40, "main", terms, created=number, **fields)  # type: ignore[arg-type] # fields vary per test


def reasons(*jobs: JobRecord) -> list[str]:
    known = {(one.app, one.id): one for one in jobs}
    presenter = JobPresenter(lambda: None, lambda: known, lambda: 100.0, lambda _app, _job: None)
    return [presenter.show(one).reason for one in jobs]


def test_what_holds_up_the_first_holds_up_those_that_want_the_same() -> None:
    first = job(1, reason="10 jobs run.", reason_kind=ReasonKind.WAITS.value)
    stale = job(2, reason="No agent has room.", reason_kind=ReasonKind.WAITS.value)
    paused = job(3, reason="It is tried again.", retry_at=200.0)
    shown = reasons(first, stale, paused, job(4, mem=64), job(5, state=JobState.RUNNING))
    assert shown == ["10 jobs run.", "10 jobs run.", "It is tried again.", "", ""]


def test_room_is_made_for_the_first_alone() -> None:
    first = job(1, reason="Room is being made for it.", reason_kind=ReasonKind.MAKING_ROOM.value)
    assert reasons(first, job(2)) == ["Room is being made for it.", ""]
