import httpx
import pytest
from starlette.responses import PlainTextResponse

from framework.executor_bundle import Bundle
from framework.http_api import ExecutorFile, executor_path
from tests.fakes import asgi

BUNDLE = Bundle(b"PK bytes", "ab" * 32)
OTHER = f"/v1/executor/{'cd' * 32}.pyz"


def fetch(method: str, path: str, **headers: str) -> httpx.Response:
    return asgi.fetch(
        ExecutorFile(PlainTextResponse("another"), BUNDLE), method, path, headers=headers
    )


def test_the_bundle_is_at_its_checksum_without_a_token_and_for_ever() -> None:
    answer = fetch("GET", executor_path(BUNDLE))
    assert executor_path(BUNDLE) == f"/v1/executor/{'ab' * 32}.pyz"
    assert (answer.status_code, answer.content) == (200, b"PK bytes")
    assert answer.headers["etag"] == f'"{BUNDLE.digest}"'
    assert "immutable" in answer.headers["cache-control"]


def test_head_returns_the_size_of_the_executor() -> None:
    answer = fetch("HEAD", executor_path(BUNDLE))
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == "8"


def test_an_agent_that_has_the_executor_gets_304() -> None:
    answer = fetch("GET", executor_path(BUNDLE), **{"If-None-Match": f'"{BUNDLE.digest}"'})
    assert (answer.status_code, answer.content) == (304, b"")
    answer = fetch("GET", executor_path(BUNDLE), **{"If-None-Match": '"other"'})
    assert answer.status_code == 200


@pytest.mark.parametrize("path", [OTHER, "/v1/executor/", "/v1/executor/x"])
def test_another_version_is_not_found(path: str) -> None:
    answer = fetch("GET", path)
    assert asgi.refusal(answer)[0] == 404
    assert executor_path(BUNDLE) in answer.json()["detail"]


def test_the_executor_file_is_read_only() -> None:
    answer = fetch("POST", executor_path(BUNDLE))
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


def test_other_paths_reach_the_application() -> None:
    assert fetch("GET", "/v1/apps").text == "another"


def test_the_path_without_a_checksum_redirects_to_the_current_bundle() -> None:
    answer = fetch("GET", "/v1/executor/latest.pyz")
    assert (answer.status_code, answer.headers["location"]) == (307, executor_path(BUNDLE))
    assert "no-store" in answer.headers["cache-control"]
