"""Which requests are logged, and which are counted."""

from collections.abc import Mapping
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs

from framework.access import Scope as Access
from framework.http_api.admission.access_log import AccessLog
from framework.metrics import ApiMetrics
from tests.fakes.asgi import ApiInProcess, send_raw
from tests.fakes.clock import FakeClock


def requests(logs: list[Any]) -> list[Mapping[str, Any]]:
    return [line for line in logs if line["event"] == "request"]


def test_a_failed_request_is_logged_with_its_token_name_and_no_token(api: ApiInProcess) -> None:
    _, token = api.tokens.add_token("deploys", Access.ADMIN)
    api.previews.error = RuntimeError("a defect")
    with capture_logs() as logs:
        headers = {"Authorization": f"Bearer {token}"}
        api.send("DELETE", f"/v1/apps/hello?token={token}", headers=headers)
    (line,) = requests(logs)
    assert (line["method"], line["path"], line["status"]) == ("DELETE", "/v1/apps/hello", 500)
    assert line["who"] == "deploys"
    assert token not in str(logs)


def test_a_successful_request_is_counted_and_not_logged(api: ApiInProcess) -> None:
    with capture_logs() as logs:
        api.call("GET", "/v1/apps/hello")
        api.call("GET", "/v1/apps/other")
        api.call("DELETE", "/v1/apps/hello")  # the audit log has it
    assert requests(logs) == []
    read = api.registry.get_sample_value
    route = {"method": "GET", "route": "/v1/apps/{app}"}
    assert read("prevs_api_requests_total", {**route, "status": "200"}) == 1
    assert read("prevs_api_requests_total", {**route, "status": "404"}) == 1
    seconds = "prevs_api_request_duration_seconds_count"
    assert read(seconds, {"route": "/v1/apps/{app}"}) == 3


def test_a_refused_request_is_logged_with_nobody(api: ApiInProcess) -> None:
    with capture_logs() as logs:
        api.send("GET", "/v1/apps", headers={"Authorization": "Bearer wrong"})
    (line,) = requests(logs)
    assert (line["status"], line["who"]) == (401, None)
    assert "wrong" not in str(logs)


def test_unknown_paths_and_methods_add_no_time_series(api: ApiInProcess) -> None:
    for number in range(3):
        api.send(f"ODD{number}", f"/nowhere/{number}")
    labels = {"method": "other", "route": "none", "status": "404"}
    assert api.registry.get_sample_value("prevs_api_requests_total", labels) == 3


@pytest.mark.parametrize(("media", "logged"), [("text/plain", 1), ("text/event-stream", 0)])
def test_a_slow_request_is_logged_but_not_a_stream(media: str, logged: int) -> None:
    clock, registry = FakeClock(), CollectorRegistry()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        clock.pass_seconds(2)
        await Response("", media_type=media)(scope, receive, send)

    with capture_logs() as logs:
        send_raw(AccessLog(slow, ApiMetrics(registry), clock.read))
    assert len(requests(logs)) == logged
    count = registry.get_sample_value("prevs_api_request_duration_seconds_count", {"route": "none"})
    assert (count or 0) == logged
