"""A hundred jobs in one request, on the whole system: each counts by itself how many run."""

import itertools
import json
from collections.abc import Iterator

import pytest

from tests.e2e.conftest import Api
from tests.fakes.samples import SERVE, SampleRepository
from tests.waits import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.night, pytest.mark.timeout(600)]

JOBS = 100
MOST = 10
"""Jobs of an app that run at a time."""
SCRIPT = """
begins() { cut -d' ' -f1 /proc/uptime; }
from=$(begins); sleep 0.3
echo "[$from, $(begins), $PREVS_TRY]" > $PREVS_RESULT_FILE
"""


@pytest.fixture(scope="module")
def app(api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An app whose image has a shell."""
    made = SampleRepository(tmp_path_factory.mktemp("crowd") / "work")
    made.commit_app([f"CMD {SERVE}"], {})
    order = {"name": "crowd", "repository": str(made.folder), "mem": 16}
    assert api.call("POST", "/v1/apps", json=order).status_code == 201
    yield "crowd"
    api.call("DELETE", "/v1/apps/crowd")


def test_a_hundred_jobs_all_run_once_and_never_more_than_an_app_may_at_a_time(
    app: str, api: Api
) -> None:
    order = {"label": "main", "command": ["sh", "-c", SCRIPT], "group": "hundred"}
    answer = api.call("POST", f"/v1/apps/{app}/jobs", json={"jobs": [order] * JOBS})
    assert answer.status_code == 202, answer.text
    ids = {job["id"] for job in answer.json()["jobs"]}
    assert len(ids) == JOBS
    listed = f"/v1/jobs?app={app}&group=hundred"

    def is_over() -> bool:
        return not api.call("GET", f"{listed}&state=active&limit=1").json()["jobs"]

    wait_until(is_over, "all have ended", seconds=500)
    jobs = api.call("GET", f"{listed}&limit={JOBS}").json()["jobs"]
    assert {job["id"]: job["state"] for job in jobs} == dict.fromkeys(ids, "succeeded")
    assert all(job["tries"] == 1 for job in jobs)

    runs = [
        json.loads(api.call("GET", f"/v1/apps/{app}/jobs/{job_id}/result").content)
        for job_id in ids
    ]
    assert [number for _, _, number in runs] == [1] * JOBS
    assert 1 < count_most(runs) <= MOST


def count_most(runs: list[list[float]]) -> int:
    """Return how many of [from, to, …] overlap at most; one that ends does so before one begins."""
    begins, ends = [(run[0], 1) for run in runs], [(run[1], -1) for run in runs]
    return max(itertools.accumulate(change for _, change in sorted([*begins, *ends])))
