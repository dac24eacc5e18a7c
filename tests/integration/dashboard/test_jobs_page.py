"""The pages of jobs in a real browser: live, by keyboard, in any width, under attack."""

import base64
import datetime
import re
import time
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, Route, expect

from framework.jobs.transitions import Finished, Reported
from framework.units.lifecycle import Event
from framework.units.transitions import AttemptEnded
from prevs.jobs import JobState
from prevs.work import Progress
from tests.fakes.dashboard import Dashboard
from tests.integration.dashboard.job_scene import (
    DONE,
    FAILED,
    QUEUED,
    RUNNING,
    name_jobs,
    put_job,
    put_jobs,
)
from tests.integration.dashboard.looks import Look, find_wrong, with_looks
from tests.integration.dashboard.schedule_scene import MADE, UNTOLD, put_schedule, put_schedules

pytestmark = pytest.mark.integration

JOBS = "/apps/hello/jobs"
BERLIN = ZoneInfo("Europe/Berlin")


def test_a_named_job_is_started_by_keyboard_and_watched_to_its_result(
    page: Page, dashboard: Dashboard
) -> None:
    name_jobs(dashboard)
    page.goto(JOBS)
    page.get_by_text("Start a named job").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("report")
    page.get_by_label("Payload").press_sequentially('{"month": 11}')
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("Requested.")
    expect(page.locator("main .chip").first).to_have_text("queued, place 1")
    page.evaluate("window.stays = true")
    ((_, job_id),) = dashboard.jobs.snapshot.jobs
    task = dashboard.jobs.launch(job_id).task_id or ""
    dashboard.sandboxes.output[task] = b"\x1b[32mreading\x1b[0m <b>orders</b>\n"
    report = Reported(Event.RUNS, time.time(), "running", progress=Progress(40, "half way"))
    dashboard.jobs.change(job_id, report)
    expect(page.locator("li[aria-current=step]")).to_contain_text("half way")
    expect(page.locator("li[aria-current=step] progress")).to_have_attribute("value", "40")
    log = page.get_by_role("region", name="Log", exact=True)
    expect(log.locator(".log-row")).to_have_text(["reading <b>orders</b>"])
    finished = Finished(base64.b64encode(b"1204 orders").decode(), 11)
    dashboard.jobs.change(job_id, AttemptEnded(finished, None, time.time()))
    expect(page.locator("#result pre")).to_have_text("1204 orders")
    assert page.evaluate("window.stays")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download 11 bytes").click()
    assert download.value.suggested_filename == job_id
    page.get_by_role("button", name="Run it again").click()
    expect(page.get_by_text("This is the new job")).to_be_visible()
    assert job_id not in page.url


def test_a_job_that_runs_before_its_page_listens_is_shown_as_running(
    page: Page, dashboard: Dashboard
) -> None:
    put_job(dashboard, QUEUED, JobState.QUEUED)

    def run(route: Route) -> None:
        if dashboard.jobs.job(QUEUED).state is JobState.QUEUED:
            dashboard.jobs.launch(QUEUED)
            report = Reported(Event.RUNS, time.time(), "running")
            dashboard.jobs.change(QUEUED, report)
        route.continue_()

    page.route("**/live/jobs/**", run)
    page.goto(f"{JOBS}/{QUEUED}")
    expect(page.locator("main .chip").first).to_have_text("running")


def test_a_list_follows_its_jobs_and_a_group_is_cancelled_where_it_stands(
    page: Page, dashboard: Dashboard
) -> None:
    page.goto("/jobs")
    expect(page.get_by_role("heading", name="No job waits")).to_be_visible()
    for number in range(3):
        put_job(dashboard, f"g{number:015}", JobState.QUEUED, group="november")
    row = page.get_by_role("row", name="hello november")
    expect(row).to_contain_text("3 wait")
    dashboard.jobs.launch("g" + "0" * 15)
    expect(row).to_contain_text("1 runs, 2 wait")
    row.get_by_role("link").click()
    page.evaluate("window.stays = true")
    page.get_by_role("button", name="Cancel the group").click()
    expect(page.get_by_role("status").first).to_contain_text("are cancelled.")
    expect(page.locator("main .chip")).to_have_text(["ending", "cancelled", "cancelled"])
    assert page.evaluate("window.stays")
    page.get_by_label("State").select_option("running")
    page.get_by_role("button", name="Show").press("Enter")
    expect(page.locator("main .chip")).to_have_text(["ending"])


def test_a_schedule_is_paused_resumed_and_run_where_it_stands(
    page: Page, dashboard: Dashboard
) -> None:
    name_jobs(dashboard)
    # Twelve hours off: at any hour of the day it is not soon, and was not just now.
    hour = datetime.datetime.fromtimestamp(time.time() + 12 * 3600, BERLIN).hour
    put_schedule(dashboard, "nightly", cron=f"30 {hour} * * *", zone=BERLIN.key)
    page.goto(JOBS)
    page.evaluate("window.stays = true")
    row = page.get_by_role("row", name="nightly")
    expect(row.locator("time[data-until]")).to_have_text(re.compile(r"in \d+ (h|min|s)"))
    row.get_by_role("button", name="Pause nightly").press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("Paused:")
    expect(row).to_contain_text("none while it is paused")
    row.get_by_role("button", name="Resume nightly").press("Enter")
    expect(row).to_contain_text(f"{hour:02}:30 CE")
    dashboard.schedules.hindrances = {("hello", "nightly"): "The repository is away."}
    expect(row).to_contain_text("The repository is away.")
    assert page.evaluate("window.stays")
    row.get_by_role("button", name="Run nightly now").press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("Requested, beside the times")
    page.get_by_role("link", name="nightly").click()
    expect(page.get_by_role("heading", name="Schedule nightly")).to_be_visible()
    expect(page.locator("main .chip")).to_have_text("queued, place 1")


@with_looks
def test_each_page_of_jobs_is_accessible_and_foreign_text_is_only_text(
    look: Look, phone: Page, dashboard: Dashboard
) -> None:
    assert find_wrong(phone, look, "/jobs", JOBS) == {}, "without jobs"
    put_jobs(dashboard)
    put_schedules(dashboard)
    paths = ["/jobs", f"{JOBS}?job=report", f"{JOBS}?group=import-1204"]
    paths += [f"{JOBS}?schedule={name}" for name in ("nightly", "clean", "waits", "gone")]
    all_ids = (RUNNING, QUEUED, FAILED, DONE, MADE, UNTOLD)
    ones = [f"{JOBS}/{job_id}" for job_id in all_ids]
    paths += [*ones, f"{JOBS}/{RUNNING}/attempts/1"]
    assert find_wrong(phone, look, *paths) == {}
