"""Access to a framework's metrics, and to addresses in the answers of its probes."""

import json

import httpx
import pytest
from prometheus_client import CollectorRegistry, Counter

from framework.http_api.admission.limits import FAILED_AUTH
from framework.http_api.admission.metrics_access import MetricsAccess
from tests.fakes.asgi import TOKEN, ApiInProcess, fetch, refusal
from tests.fakes.clock import FakeClock

FOR_NUMBERS = "a-token-for-prometheus"


@pytest.fixture
def reading(api: ApiInProcess) -> MetricsAccess:
    """The API behind MetricsAccess, as in a framework."""
    registry = CollectorRegistry()
    Counter("prevs_things", "Things", registry=registry).inc()
    return MetricsAccess(api.app, registry, [TOKEN, FOR_NUMBERS], FakeClock().read)


def get(app: MetricsAccess, path: str, token: str | None, scheme: str = "Bearer") -> httpx.Response:
    headers = {} if token is None else {"Authorization": f"{scheme} {token}"}
    return fetch(app, "GET", path, headers=headers)


@pytest.mark.parametrize("token", [TOKEN, FOR_NUMBERS])
def test_metrics_need_a_token(reading: MetricsAccess, token: str) -> None:
    answer = get(reading, "/metrics", token)
    assert "prevs_things_total 1.0" in answer.text
    assert answer.headers["Content-Type"].startswith("text/plain; version=")


@pytest.mark.parametrize(
    ("token", "scheme"), [(None, ""), ("wrong", "Bearer"), (TOKEN, "Basic"), ("", "Bearer")]
)
def test_metrics_without_a_token_get_401_with_what_is_needed(
    reading: MetricsAccess, token: str | None, scheme: str
) -> None:
    answer = get(reading, "/metrics", token, scheme)
    assert refusal(answer) == (401, "unauthorized")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="prevs"'
    assert "PREVS_METRICS_TOKEN_FILE" in answer.json()["detail"]


def test_invalid_tokens_are_limited_and_valid_ones_are_not(reading: MetricsAccess) -> None:
    for _ in range(FAILED_AUTH.quota):
        assert get(reading, "/metrics", "wrong").status_code == 401
    assert refusal(get(reading, "/metrics", "wrong")) == (429, "too-many-requests")
    assert get(reading, "/metrics", FOR_NUMBERS).status_code == 200


def test_metrics_are_read_only(reading: MetricsAccess) -> None:
    answer = fetch(reading, "POST", "/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert (refusal(answer), answer.headers["Allow"]) == ((405, "method-not-allowed"), "GET, HEAD")


def test_a_metrics_token_opens_nothing_else(reading: MetricsAccess) -> None:
    for path in ("/v1/apps", "/openapi.json"):
        assert refusal(get(reading, path, FOR_NUMBERS)) == (401, "unauthorized")


def test_probes_answer_everybody_and_name_machines_only_with_a_token(
    api: ApiInProcess, reading: MetricsAccess
) -> None:
    api.trouble = "The Mesos master 10.0.0.1:5050 does not authenticate callers."
    stranger = get(reading, "/readyz", None)
    assert stranger.status_code == 503
    assert stranger.json()["checks"][0]["detail"] == stranger.json()["detail"]
    assert (
        stranger.json()["detail"] == "The Mesos master (an address) does not authenticate callers."
    )
    assert get(reading, "/readyz", "wrong").json()["detail"] == stranger.json()["detail"]
    assert get(reading, "/readyz", FOR_NUMBERS).json()["detail"] == api.trouble
    assert json.loads(get(reading, "/healthz", None).text)["status"] == "ok"
