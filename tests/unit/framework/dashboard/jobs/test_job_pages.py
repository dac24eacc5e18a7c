"""The page of a job: its result, its attempts, its log, and what may be done to it."""

import base64

import pytest

from framework.jobs.transitions import Finished, Reported
from framework.units.lifecycle import Event
from framework.units.reasons import Reason, ReasonKind
from framework.units.transitions import Again, AttemptEnded, Failed
from prevs.jobs import JobRecord, JobState
from prevs.records import Failure
from prevs.states import Cause, State
from prevs.work import Progress
from tests.fakes.dashboard import Dashboard, Visitor
from tests.fakes.sandboxes import artifact_files
from tests.unit.framework.dashboard.conftest import SHA
from tests.unit.framework.dashboard.jobs.conftest import JOBS, start

NOW = 1_000_005.0
EXITED = Failure(Cause.APP_EXITED, "The command exited with <3>.", 3)


def run(dashboard: Dashboard, job_id: str, **said: object) -> None:
    dashboard.jobs.launch(job_id)
    progress = Progress(40, "half <way>") if said else None
    dashboard.jobs.change(job_id, Reported(Event.RUNS, NOW, "running", progress=progress))


def finish(dashboard: Dashboard, job_id: str, result: bytes = b"") -> None:
    run(dashboard, job_id)
    finished = Finished(base64.b64encode(result).decode(), len(result))
    dashboard.jobs.change(job_id, AttemptEnded(finished, None, NOW + 2))


def fail(dashboard: Dashboard, job_id: str) -> None:
    run(dashboard, job_id)
    failed: AttemptEnded[JobRecord] = AttemptEnded(Failed(EXITED), EXITED, NOW + 12)
    dashboard.jobs.change(job_id, failed)


def test_a_running_job_shows_what_its_command_says(dashboard: Dashboard, user: Visitor) -> None:
    job_id = start(user)
    run(dashboard, job_id, progress=True)
    page = user.get(f"{JOBS}/{job_id}").text
    assert "running 40 %" in page
    assert '<progress class="bar" max="100" value="40"' in page
    assert "half &lt;way&gt;" in page
    assert 'aria-current="step"' in page
    assert f"hello.{job_id}.1" in page
    assert "10.0.0.1" in page


def test_a_job_leads_to_its_commit(dashboard: Dashboard, user: Visitor) -> None:
    job_id = start(user)
    assert f'href="/apps/hello?show=commits&amp;ref={SHA}"' in user.get(f"{JOBS}/{job_id}").text
    dashboard.previews.put("hello", SHA, State.RUNNING)
    assert f'href="/apps/hello/previews/{SHA}"' in user.get(f"{JOBS}/{job_id}").text


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b'{"total": "<1204>"}\n', "{&#34;total&#34;: &#34;&lt;1204&gt;&#34;}\n"),
        ("a\u202eb".encode(), "a&lt;U+202E&gt;b"),
        (b"\x89PNG\r\n", "It is no text"),
        (b"\x1b[31mred", "It is no text"),
    ],
)
def test_a_result_is_shown_if_it_is_text_and_downloaded_as_it_is(
    dashboard: Dashboard, user: Visitor, data: bytes, shown: str
) -> None:
    job_id = start(user)
    finish(dashboard, job_id, data)
    page = user.get(f"{JOBS}/{job_id}").text
    assert shown in page
    assert f"Download {len(data)} bytes" in page
    answer = user.get(f"{JOBS}/{job_id}/result")
    assert answer.content == data
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"].startswith("attachment")


def test_the_files_of_a_job_are_listed_and_downloaded(dashboard: Dashboard, user: Visitor) -> None:
    job_id = start(user)
    finish(dashboard, job_id)
    files = {"a/<x> 100 %.csv": b"1;2\n", "b": bytes(1234)}
    task = f"hello.{job_id}.1"
    dashboard.sandboxes.files[task] = artifact_files(files)
    page = user.get(f"{JOBS}/{job_id}").text
    there = f"{JOBS}/{job_id}/artifacts"
    assert (
        f'<a href="{there}/a/%3Cx%3E%20100%20%25.csv" download><bdi>a/&lt;x&gt; 100 %.csv' in page
    )
    assert "1,234</td>" in page
    assert "Left by attempt 1" in page
    answer = user.get(f"{there}/a/%3Cx%3E%20100%20%25.csv")
    assert answer.content == b"1;2\n"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert user.get(f"{there}/other").status_code == 404
    many = {f"f{number:03}": b"" for number in range(203)}
    dashboard.sandboxes.files[task] = artifact_files(many)
    page = user.get(f"{JOBS}/{job_id}").text
    assert ("f199" in page, "f200" in page, "And 3 more." in page) == (True, False, True)


def test_why_no_files_are_shown_is_said_if_there_may_be_some(
    dashboard: Dashboard, user: Visitor
) -> None:
    job_id = start(user)
    assert 'id="artifacts"' not in user.get(f"{JOBS}/{job_id}").text
    finish(dashboard, job_id)
    dashboard.sandboxes.files[f"hello.{job_id}.1"] = {}
    assert 'id="artifacts"' not in user.get(f"{JOBS}/{job_id}").text
    dashboard.sandboxes.files.clear()
    assert "has removed it" in user.get(f"{JOBS}/{job_id}").text


def test_a_job_without_a_result_says_so(dashboard: Dashboard, user: Visitor) -> None:
    job_id = start(user)
    finish(dashboard, job_id)
    assert 'id="result"' not in user.get(f"{JOBS}/{job_id}").text
    assert user.get(f"{JOBS}/{job_id}/result").status_code == 409


def test_a_failed_job_shows_why_and_runs_again_once_for_each_form(
    dashboard: Dashboard, user: Visitor
) -> None:
    job_id = start(user)
    fail(dashboard, job_id)
    page = user.get(f"{JOBS}/{job_id}").text
    assert "failed, exit code 3" in page
    assert "The command exited with &lt;3&gt;." in page
    assert 'data-step="failed"' in page
    places = {user.act(f"{JOBS}/{job_id}/retry", key="a-key").headers["Location"] for _ in range(2)}
    (place,) = places
    assert place != f"{JOBS}/{job_id}?did=retry-job"
    assert "This is the new job" in user.get(place).text
    assert len(dashboard.jobs.snapshot.jobs) == 2


def test_each_attempt_has_why_it_ended_and_its_log(dashboard: Dashboard, user: Visitor) -> None:
    job_id = start(user)
    run(dashboard, job_id)
    again = Again(
        Event.TRIED_AGAIN, 0, NOW, None, Reason(ReasonKind.RETRY, "Once more."), failures=1
    )
    dashboard.jobs.change(job_id, AttemptEnded(again, EXITED, NOW + 12))
    dashboard.jobs.launch(job_id)
    dashboard.sandboxes.output |= {
        f"hello.{job_id}.1": b"the <first>\n",
        f"hello.{job_id}.2": b"the second\n",
    }
    page = user.get(f"{JOBS}/{job_id}").text
    listed = page.partition("Attempts that have ended")[2]
    assert "The command exited with &lt;3&gt;." in listed
    assert "after 12 s" in listed
    assert "the second\n</pre>" in page
    first = user.get(f"{JOBS}/{job_id}/attempts/1").text
    assert "the &lt;first&gt;\n</pre>" in first
    assert "with exit code 3" in first
    log = user.get(f"{JOBS}/{job_id}/attempts/1/log.txt")
    assert log.content == b"the <first>\n"
    assert f'filename="hello-{job_id}-1.log"' in log.headers["Content-Disposition"]
    assert user.get(f"{JOBS}/{job_id}/log.txt").content == b"the second\n"
    for number in (2, 9):
        assert user.get(f"{JOBS}/{job_id}/attempts/{number}").status_code == 404


def test_a_job_is_cancelled_by_whoever_may_use_its_app(
    dashboard: Dashboard, user: Visitor, reader: Visitor
) -> None:
    job_id = start(user)
    page = f"{JOBS}/{job_id}"
    for act in ("cancel", "retry"):
        assert f'action="{page}/{act}"' not in reader.get(page).text
        assert reader.act(f"{page}/{act}").status_code == 403
    assert f'action="{page}/cancel"' in user.get(page).text
    assert user.act(f"{page}/cancel", back=page).headers["Location"] == f"{page}?did=cancel-job"
    assert dashboard.jobs.job(job_id).state is JobState.CANCELLED
    assert dashboard.notes()[-1][:3] == ("a-use", "cancel job", f"hello/{job_id}")
    assert "a-use has cancelled it." in user.get(page).text
    assert user.act(f"{page}/cancel").status_code == 409


def test_an_unknown_job_has_a_page_with_404(user: Visitor) -> None:
    for path in ("", "/log.txt", "/result", "/attempts/1"):
        answer = user.get(f"{JOBS}/{'a' * 16}{path}")
        assert answer.status_code == 404
        assert "has no job" in answer.text
