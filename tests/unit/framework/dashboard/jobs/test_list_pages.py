"""The lists of jobs, and the form that starts one."""

import re

from framework.errors import RepositoryUnreachable, Unavailable
from framework.ports import RepositoryFile
from prevs.jobs import EndedJobsRecord, JobState
from tests.fakes.dashboard import Dashboard, Visitor
from tests.unit.framework.dashboard.conftest import SHA
from tests.unit.framework.dashboard.jobs.conftest import JOBS, put, start


def test_an_empty_page_says_what_to_do(visitor: Visitor) -> None:
    assert "prevs run hello main -- " in visitor.get("/jobs").text
    assert "No job matches" in visitor.get("/jobs?state=failed").text
    assert "No job of this app" in visitor.get(JOBS).text
    assert visitor.get("/apps/nope/jobs").status_code == 404


def test_the_page_of_an_app_leads_to_its_jobs_which_the_commit_of_main_names(
    visitor: Visitor,
) -> None:
    assert f'href="{JOBS}"' in visitor.get("/apps/hello").text
    page = visitor.get(JOBS).text
    assert "python report.py &#39;a &amp; b&#39;" in page
    assert '<option value="report">' in page
    assert 'name="job" type="text" value="report"' in visitor.get(f"{JOBS}?job=report").text


def test_whoever_may_use_an_app_starts_a_named_job(dashboard: Dashboard, user: Visitor) -> None:
    job_id = start(user, payload="one\r\ntwo")
    job = dashboard.jobs.job(job_id)
    assert (job.name, job.sha, job.by, job.payload_size) == ("report", SHA, "a-use", 7)
    assert dashboard.notes()[-1] == ("a-use", "request jobs", f"hello/jobs/{job_id}", 303)
    page = user.get("/jobs").text
    assert f'href="{JOBS}/{job_id}"' in page
    assert "queued, place 1" in page


def test_whoever_may_only_look_has_no_form(dashboard: Dashboard, reader: Visitor) -> None:
    assert "Start the job" not in reader.get(JOBS).text
    refused = reader.act(JOBS, job="report", label="main")
    assert refused.status_code == 403
    assert not dashboard.jobs.snapshot.jobs


def test_a_form_that_is_sent_twice_starts_one_job(dashboard: Dashboard, user: Visitor) -> None:
    found = re.search('name="key" value="([0-9a-f]+)"', user.get(JOBS).text)
    assert found
    assert start(user, key=found[1]) == start(user, key=found[1])
    start(user, key=found[1], payload="another")
    assert len(dashboard.jobs.snapshot.jobs) == 2


def test_what_is_wrong_is_beside_its_field_and_what_was_typed_stays(user: Visitor) -> None:
    for fields, field, said in [
        ({"job": "repotr"}, "job", "Did you mean report?"),
        ({"job": "No Name"}, "job", "must have 1 to 40 characters"),
        ({"label": "nowhere"}, "label", "there is no branch or tag of that name"),
    ]:
        form = {"job": "report", "label": "main", "payload": "kept as it was", "key": ""}
        answer = user.act(JOBS, **{**form, **fields})
        assert answer.status_code == 422
        wrong = re.search(f'id="p-{field}">(.*?)</p>', answer.text)
        assert wrong
        assert said in wrong[1]
        assert "kept as it was" in answer.text


def test_another_refusal_is_above_the_form(dashboard: Dashboard, user: Visitor) -> None:
    dashboard.jobs.error = Unavailable("ZooKeeper")
    answer = user.act(JOBS, job="report", label="main", payload="kept as it was")
    assert answer.status_code == 422
    assert "No job was started: <bdi>ZooKeeper does not answer now." in answer.text
    assert "kept as it was" in answer.text
    dashboard.previews.known_apps.clear()
    assert user.act(JOBS, job="report", label="main").status_code == 404


def test_a_mistake_in_the_settings_is_shown_instead_of_the_names(
    dashboard: Dashboard, visitor: Visitor
) -> None:
    wrong = b"[jobs.report]\ncommand = 'report'\n"
    dashboard.refs.files["hello", SHA, ".prevs.toml"] = RepositoryFile("file", len(wrong), wrong)
    named = visitor.get(JOBS).text.partition('id="named"')[2]
    assert "notice warn" in named
    assert "command" in named
    away = RepositoryUnreachable("hello", "/hello.git", "it is <away>")
    dashboard.refs.listings["hello"] = away
    page = visitor.get(JOBS)
    assert page.status_code == 200
    assert "it is &lt;away&gt;" in page.text


def test_a_group_is_one_line_with_a_bar_and_can_be_cancelled(
    dashboard: Dashboard, user: Visitor, reader: Visitor
) -> None:
    put(dashboard, 3, JobState.QUEUED, group="november")
    page = user.get("/jobs").text
    assert page.count("<tr id=") == 1
    assert "3 wait" in page
    assert '<rect class="waiting" x="0.0" width="100.0"' in page
    group = f"{JOBS}?group=november"
    assert user.get(group).text.count('<tr id="job-') == 3
    assert "Cancel the group" not in reader.get(group).text
    answer = user.act(f"{JOBS}/cancel", group="november", back=group)
    assert answer.headers["Location"] == f"{group}&did=cancel-group"
    states = {job.state for job in dashboard.jobs.snapshot.jobs.values()}
    assert states == {JobState.CANCELLED}
    assert "Cancel the group" not in user.get(group).text


def test_long_sections_have_pages_and_are_cut_beside_others(
    dashboard: Dashboard, visitor: Visitor
) -> None:
    ids = put(dashboard, 31, JobState.QUEUED)
    page = visitor.get("/jobs").text
    assert page.count("<tr id=") == 10
    assert "All 31 that wait" in page
    first, second = (
        re.findall('<tr id="job-hello-(.{16})"', visitor.get(f"/jobs?state=waiting{after}").text)
        for after in ("", "&after=30")
    )
    assert [*first, *second] == ids
    assert "First page" in visitor.get("/jobs?state=waiting&after=30").text


def test_jobs_in_blocks_are_listed_on_demand(dashboard: Dashboard, visitor: Visitor) -> None:
    ids = put(dashboard, 100, JobState.FAILED)
    block = EndedJobsRecord("hello", 1, tuple(dashboard.jobs.snapshot.jobs.values()))
    dashboard.jobs.store.jobs.write([block], deleted=block.jobs)
    dashboard.jobs.take_over()
    assert not dashboard.jobs.snapshot.jobs
    assert "No job of this app" in visitor.get(JOBS).text
    assert visitor.get(f"{JOBS}?state=ended").text.count("<tr id=") == 30
    assert visitor.get("/jobs?app=hello&state=failed&after=90").text.count("<tr id=") == 10
    one = visitor.get(f"{JOBS}/{ids[0]}")
    assert one.status_code == 200
    assert "Run it again" not in one.text
