"""Schedules on the pages of jobs: what is shown of them, and who may pause and run which."""

import dataclasses
import re
from typing import Any

from framework.jobs import callbacks
from framework.ports.notifications import CallbackTry, LastTry
from framework.schedules.file_schedules import FileTrouble
from prevs.jobs import Callback, CallbackState, JobState
from prevs.records import Mistake
from prevs.schedules import ScheduleRecord, SkippedTime
from tests.fakes.dashboard import Dashboard, Visitor
from tests.unit.framework.dashboard.conftest import NOW, SHA
from tests.unit.framework.dashboard.jobs.conftest import JOBS, put

NIGHTLY = ScheduleRecord(
    "hello", "nightly", "main", "report", cron="30 2 * * *", zone="Europe/Berlin", token="ci"
)
ACTS = "/apps/hello/schedules/nightly"
ONE = f"{JOBS}?schedule=nightly"


def save(dashboard: Dashboard, **fields: Any) -> ScheduleRecord:
    """Have the schedule nightly, written an hour ago."""
    dashboard.jobs.command(lambda _: None)  # the records get the apps
    hour_ago = NOW - 3600
    written = dataclasses.replace(NIGHTLY, created=hour_ago, last=hour_ago)
    return dashboard.schedules.save(dataclasses.replace(written, **fields))


def row(page: str) -> str:
    """Return the line of the schedule, as text without marks."""
    _, _, rest = page.partition('<tr id="schedule-hello-nightly">')
    return " ".join(re.sub("<[^>]+>", " ", rest.partition("</tr>")[0]).split())


def test_a_schedule_shows_when_it_makes_jobs_and_what_came_of_the_last_time(
    dashboard: Dashboard, user: Visitor
) -> None:
    assert "No schedule makes jobs of this app." in user.get(JOBS).text
    save(dashboard)
    page = user.get(JOBS).text
    assert "prevs schedule add" in page
    shown = row(page)
    assert "nightly report at main 30 2 * * * in Europe/Berlin in" in shown
    assert "in 13 h Wed 2026-11-18 02:30 CET none yet" in shown
    nominal = NOW - 1830
    (job_id,) = put(dashboard, 1, JobState.FAILED, schedule="nightly", nominal=nominal)
    assert "failed 30 min ago" in row(user.get("/jobs").text)
    assert 'data-until="' in user.get("/jobs").text
    assert f'<tr id="job-hello-{job_id}">' in user.get(ONE).text
    facts = user.get(f"{JOBS}/{job_id}").text
    assert f'<a href="{ONE}">nightly</a>, for ' in facts


def test_why_a_time_made_no_job_or_waits_is_shown_safely(
    dashboard: Dashboard, user: Visitor
) -> None:
    nominal = int(NOW) - 930
    skipped = (SkippedTime(nominal, "It had <not> ended.\u202e"),)
    save(dashboard, paused=True, skipped=skipped, last=float(nominal), from_file=True, token="")
    dashboard.schedules.hindrances["hello", "nightly"] = "/hello.git: <away>"
    mistakes = (Mistake(3, "<b> is wrong"),)
    trouble = FileTrouble("main", SHA, "The file has a <mistake>.", mistakes)
    dashboard.schedules.file_troubles["hello"] = trouble
    page = user.get(JOBS).text
    shown = row(page)
    assert "paused .prevs.toml" in shown
    assert "no job 15 min ago It had &lt;not&gt; ended.&lt;U+202E&gt;" in shown
    assert "Europe/Berlin none while it is paused" in shown
    assert "/hello.git: &lt;away&gt;" in shown
    assert "The file has a &lt;mistake&gt;." in page
    assert "<span>line 3</span> <bdi>&lt;b&gt; is wrong</bdi>" in page
    one = user.get(ONE).text
    assert "Times that made no job" in one
    assert "change it there" in one
    assert "There is no such schedule now" in user.get(f"{JOBS}?schedule=other").text


def test_whoever_may_use_an_app_pauses_and_resumes_its_schedules(
    dashboard: Dashboard, user: Visitor, reader: Visitor
) -> None:
    save(dashboard)
    for act in ("pause", "resume", "run"):
        assert f'action="{ACTS}/{act}"' not in reader.get(JOBS).text
        assert reader.act(f"{ACTS}/{act}").status_code == 403
        assert user.post(f"{ACTS}/{act}", {}).status_code == 403, "without the form's own text"
    answer = user.act(f"{ACTS}/pause", back=JOBS)
    assert answer.headers["Location"] == f"{JOBS}?did=pause-schedule"
    assert dashboard.notes()[-1] == ("a-use", "pause schedule", "hello/schedules/nightly", 303)
    assert dashboard.schedules.snapshot.schedule("hello", "nightly").paused
    assert f'action="{ACTS}/resume"' in user.get(ONE).text
    assert user.act(f"{ACTS}/resume").headers["Location"] == f"{JOBS}?did=resume-schedule"
    assert dashboard.notes()[-1] == ("a-use", "resume schedule", "hello/schedules/nightly", 303)
    assert not dashboard.schedules.snapshot.schedule("hello", "nightly").paused
    for act in ("pause", "resume", "run"):
        assert user.act(f"/apps/hello/schedules/other/{act}").status_code == 404


def test_a_schedule_runs_now_once_for_each_form(dashboard: Dashboard, user: Visitor) -> None:
    save(dashboard)
    assert f'action="{ACTS}/run"' in user.get(JOBS).text
    places = {user.act(f"{ACTS}/run", key="a-key").headers["Location"] for _ in range(2)}
    (place,) = places
    ((_, job_id),) = dashboard.jobs.snapshot.jobs
    assert place == f"{JOBS}/{job_id}?did=run-schedule"
    job = dashboard.jobs.job(job_id)
    assert (job.schedule, job.nominal, job.name, job.by) == ("nightly", None, "report", "a-use")
    target = f"hello/schedules/nightly as {job_id}"
    assert dashboard.notes()[-1] == ("a-use", "run schedule", target, 303)
    assert "nightly</a>, beside its times" in user.get(f"{JOBS}/{job_id}").text


def test_a_schedule_with_a_command_is_run_by_admins_alone(
    dashboard: Dashboard, user: Visitor, visitor: Visitor
) -> None:
    save(dashboard, job="", command=("sh", "-c", "echo <b>"))
    page = user.get(JOBS).text
    assert "echo &lt;b&gt;" in page
    assert (f'action="{ACTS}/run"' in page, f'action="{ACTS}/pause"' in page) == (False, True)
    refused = user.act(f"{ACTS}/run")
    assert refused.status_code == 403
    assert "ask somebody with the scope `admin`" in refused.text
    assert f'action="{ACTS}/run"' in visitor.get(JOBS).text
    assert visitor.act(f"{ACTS}/run").status_code == 303


def test_a_job_shows_who_is_told_of_its_end(dashboard: Dashboard, user: Visitor) -> None:
    (job_id,) = put(dashboard, 1, JobState.QUEUED, callback=Callback("ci"))
    place, now = f"{JOBS}/{job_id}", NOW

    def told() -> str:
        _, _, rest = user.get(place).text.partition("<dt>Callback</dt>")
        return " ".join(re.sub("<[^>]+>", "", rest.partition("</dd>")[0]).split())

    assert told() == "ci is told when it has ended"
    user.act(f"{place}/cancel")
    failed = LastTry(now - 90, 503, "it <answered> with 503.")
    dashboard.callback_tries["hello", job_id] = CallbackTry(failed, now + 90.5)
    shown = told()
    assert shown.startswith("ci is still to be told, 1 min ago: it &lt;answered&gt; with 503.")
    assert "It is tried again in 1 min." in shown
    job = dashboard.jobs.job(job_id)
    settled = callbacks.settle(job, CallbackState.TOLD, now - 90, status=204, problem="")
    dashboard.jobs.records.jobs.save_all([settled])
    assert "was told, 1 min ago: it answered with the status 204." in told()
