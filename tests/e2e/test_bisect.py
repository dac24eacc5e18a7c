"""A commit that broke something, found by jobs on the whole system."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.commands import environment, run_command
from tests.e2e.conftest import Api, Cluster
from tests.fakes.samples import SERVE, SampleRepository
from tests.waits import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

BROKEN, UNBUILT = 5, 4
"""The commit whose file has another content, and one before it whose image cannot be built."""


@pytest.fixture
def made(tmp_path: Path) -> SampleRepository:
    """The tag v0, and seven commits after it on main."""
    made = SampleRepository(tmp_path / "history")
    for number in range(8):
        lines = ["COPY number /number", f"CMD {SERVE}"]
        lines += ["RUN exit 3"] if number == UNBUILT else []
        state = "broken" if number >= BROKEN else "whole"
        made.commit_app(lines, {"number": f"{number} {state}\n"})
        if number == 0:
            made.git("tag", "v0")
    return made


@pytest.fixture
def app(api: Api, made: SampleRepository) -> Iterator[str]:
    order = {"name": "history", "repository": str(made.folder)}
    assert api.call("POST", "/v1/apps", json=order).status_code == 201
    yield "history"
    api.call("DELETE", "/v1/apps/history")


def list_jobs(api: Api) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = api.call("GET", "/v1/jobs?app=history").json()["jobs"]
    return found


def test_the_commit_that_broke_something_is_found_three_at_a_time(
    app: str, made: SampleRepository, cluster: Cluster, api: Api
) -> None:
    run = partial(run_command, environment(cluster), "bisect", app)
    command = ("--", "sh", "-c", "grep whole /number")
    ids = made.git("rev-list", "--reverse", "main").split()
    done = run("v0", "main", "--at-once", "3", "--trust", *command)
    # The one before it cannot be tried, so it may be that one as well.
    assert done.returncode == 3, done.stderr
    suspects = [row.split()[0] for row in done.stdout.splitlines()[2:]]
    assert suspects == [ids[UNBUILT][:7], ids[BROKEN][:7]]
    assert f"skipped {ids[UNBUILT][:7]}" in done.stderr
    jobs = list_jobs(api)
    assert len({job["group"] for job in jobs}) == 1
    assert len(jobs) < len(ids)
    wait_until(lambda: all(job["ended"] for job in list_jobs(api)), "what is cancelled has ended")
    # With what was built before, and the next commit as the one that is known to be good.
    made.git("tag", "unbuilt", ids[UNBUILT])
    found = run("unbuilt", "main", "--at-once", "3", "--trust", *command)
    assert found.returncode == 0, found.stderr
    assert found.stdout.startswith(f"{ids[BROKEN]} is the first bad commit\n")
