"""What a commit's build reaches on the cluster of `make up`, where nobody has set anything."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Api, Cluster
from tests.fakes.samples import SampleRepository, serving

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

APP = "builds"


@pytest.fixture
def repository(api: Api, tmp_path: Path) -> Iterator[SampleRepository]:
    made = SampleRepository(tmp_path / "repository")
    made.commit_app(serving("nothing of the cluster"))
    app = {"name": APP, "repository": str(made.folder)}
    api.add(app)
    yield made
    api.call("DELETE", f"/v1/apps/{APP}")


def test_no_commit_publishes_what_the_control_plane_answers(
    api: Api, cluster: Cluster, repository: SampleRepository
) -> None:
    places = {f"http://{cluster.master}/state": "/www/a", f"{cluster.api}/metrics": "/www/b"}
    added = [f"ADD {address} {path}" for address, path in places.items()]
    sha = repository.commit_app([*added, *serving("what was added")])
    assert api.call("POST", "/v1/previews", json={"app": APP, "label": "main"}).status_code == 202
    failure = api.wait_for(APP, sha, "failed")["failure"]
    assert failure["cause"] == "build-failed"
    # Three lines are before, in all samples. BuildKit requests all at the same time.
    refused = [f"{address} (line {4 + n} of the Dockerfile)" for n, address in enumerate(places)]
    assert any(f"{one} is not fetched" in failure["message"] for one in refused)
    assert "Fetch it in a RUN step instead" in failure["message"]
