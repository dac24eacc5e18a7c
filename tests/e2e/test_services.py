"""Two services of one commit, each at its address: a visit to either starts the preview."""

from collections.abc import Callable, Iterator

import pytest
import requests

from tests.e2e.conftest import Api, Cluster
from tests.fakes.samples import SampleRepository

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

APP = "ballot"
SETTINGS = """\
command = ["sh", "-c", "mkdir /v; env > /v/index.html; exec httpd -f -p $PORT -h /v"]

[resources]
mem = 32

[companions.result]
command = ["sh", "-c", "mkdir /r; env > /r/index.html; exec httpd -f -p 81 -h /r"]
port = 81
mem = 32
"""


@pytest.fixture(scope="module")
def repository(api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SampleRepository]:
    made = SampleRepository(tmp_path_factory.mktemp("ballot") / "ballot")
    made.commit_app([], {".prevs.toml": SETTINGS})
    app = {"name": APP, "repository": str(made.folder), "max_mem": 128, "max_cpus": 1}
    api.add(app)
    yield made
    api.call("DELETE", f"/v1/apps/{APP}")


def variables(answer: requests.Response) -> dict[str, str]:
    """Return the environment of the container that has answered."""
    assert answer.status_code == 200, answer.text
    lines = (line.partition("=") for line in answer.text.splitlines())
    return {name: value for name, _, value in lines}


def test_a_visit_to_a_service_starts_its_preview_and_each_service_answers_at_its_address(
    repository: SampleRepository,
    api: Api,
    cluster: Cluster,
    visit: Callable[..., requests.Response],
) -> None:
    sha = repository.git("rev-parse", "main")
    result = variables(visit("result--main", "/", APP))
    vote = variables(visit("main", "/", APP))
    own = {"PORT": "8080"}
    assert own.items() <= vote.items()
    assert not own.items() & result.items()
    addresses = {
        "PREVS_URL": f"http://main.{APP}.{cluster.domain}:{cluster.port}/",
        "PREVS_URL_RESULT": f"http://result--main.{APP}.{cluster.domain}:{cluster.port}/",
    }
    assert addresses.items() <= vote.items()
    assert addresses.items() <= result.items()
    shown = api.preview(APP, sha)
    assert shown["services"] == [{"name": "result", "url": addresses["PREVS_URL_RESULT"]}]

    assert api.call("DELETE", f"/v1/previews/{APP}/{sha}").status_code == 202
    api.wait_for(APP, sha, "stopped")
    assert variables(visit("result--main", "/", APP))["PREVS_COMMIT"] == sha
    refused = visit("nope--main", "/", APP)
    assert refused.status_code == 404
    assert "no service 'nope'" in refused.text
