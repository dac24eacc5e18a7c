"""Apps with a repository on the framework's machine, where no new one is allowed."""

from pathlib import Path

import pytest

from tests.fakes.program import OwnRoot, make_repository

pytestmark = pytest.mark.integration


def test_existing_apps_with_local_repositories_go_on_and_are_reported_and_new_ones_are_refused(
    own: OwnRoot, tmp_path: Path
) -> None:
    repository = str(make_repository(tmp_path / "hello"))
    other = str(make_repository(tmp_path / "other"))
    open_one = own.program(DIR=str(tmp_path / "framework"))
    open_one.run()
    open_one.add_app(repository)
    inner = str(tmp_path / "framework" / "mirrors" / "hello")
    app = {"name": "spy", "repository": inner}
    refused = open_one.request("POST", "/v1/apps", json=app)
    assert refused.status_code == 422
    assert "in a folder of prevs itself" in refused.text
    checks = open_one.request("GET", "/readyz").json()["checks"]
    assert "local-repositories" not in {check["name"] for check in checks}
    assert open_one.end() == 0
    closed = own.program(DIR=str(tmp_path / "framework"), LOCAL_REPOSITORIES="no")
    closed.run()
    log = closed.log.read_text()
    assert "apps have repositories on this machine" in log
    assert "apps=hello" in log
    [check] = [
        check
        for check in closed.request("GET", "/readyz").json()["checks"]
        if check["name"] == "local-repositories"
    ]
    assert not check["ok"]
    assert not check["needed"]
    assert "hello" not in check["detail"]
    assert closed.request("GET", "/v1/apps/hello/labels/main").status_code == 200
    assert closed.request("PATCH", "/v1/apps/hello", json={"mem": 128}).status_code == 200
    for method, path, body in (
        ("POST", "/v1/apps", {"name": "more", "repository": other}),
        ("POST", "/v1/apps", {"name": "more", "repository": "http://127.0.0.1:2181/x"}),
        ("PATCH", "/v1/apps/hello", {"repository": other}),
    ):
        answer = closed.request(method, path, json=body)
        assert answer.status_code == 422, answer.text
        [problem] = answer.json()["problems"]
        assert problem["field"] == "repository"
        assert "PREVS_LOCAL_REPOSITORIES" in problem["message"]
