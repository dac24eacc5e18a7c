"""The name of a group, and how far it is."""

import re
from types import SimpleNamespace
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from cli.client.generated.records import Job
from cli.command_context import CommandContext
from cli.jobs.group import describe, name_group, wait


@given(st.text(), st.text("0123456789abcdef", min_size=8))
def test_the_name_of_a_group_is_one_that_the_api_takes(what: str, key: str) -> None:
    assert re.fullmatch(r"[a-z0-9-]{1,63}", name_group(what, key))


def test_a_group_is_named_for_what_it_runs() -> None:
    assert name_group("./import Orders.py", "5c80e7d1aa") == "import-orders-py-5c80e7d1"


def test_how_far_a_group_is_counts_each_state_once() -> None:
    states = ["succeeded", "queued", "running", "failed", "building", "succeeded", "new"]
    jobs = [cast(Job, dict[str, Any](state=state)) for state in states]
    assert describe(jobs) == "7 jobs: 2 have succeeded, 1 have failed, 1 run, 3 wait"


def test_a_job_that_has_ended_long_before_the_next_look_is_asked_for_by_its_id() -> None:
    """A list of ended jobs has the last thousand of an app; `--wait` would never end."""
    requested = [cast(Job, dict[str, Any](app="hello", id=id, state="queued")) for id in "ab"]
    ended = {job["id"]: cast(Job, {**job, "state": "succeeded"}) for job in requested}
    calls = SimpleNamespace(
        list_jobs=lambda app, group: SimpleNamespace(found=[ended["b"]]),
        show_job=lambda app, job_id: ended[job_id],
    )
    context = SimpleNamespace(api=calls, pause=lambda seconds: None)
    assert wait(cast(CommandContext, context), requested, "all-5c80e7d1") == [*ended.values()]
