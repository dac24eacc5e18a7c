"""The stand-by's own answers, with a leader that the test plays."""

import json

import httpx
import pytest
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp

from framework.http_api import Standby, Switch
from framework.http_api.admission.client_signature import ClientSignature
from framework.http_api.admission.metrics_access import MetricsAccess
from program.http.health import Check
from tests.fakes.asgi import HOST, TOKEN, AsgiClient, send_raw
from tests.fakes.played_leader import API, PlayedLeader

SIGNATURE = ClientSignature("a-token-for-tests", lambda: 1000.0)


def standby(
    leader: str | None, trouble: str | None = None, played: PlayedLeader | None = None
) -> Standby:
    own = (Check("zookeeper", trouble is None, trouble or "It answers."),)
    transport = played or PlayedLeader()
    return Standby(lambda: leader, lambda: own, signature=SIGNATURE, transport=transport)


def fetch(app: ASGIApp, path: bytes, token: str = TOKEN) -> AsgiClient:
    """Return the answer to a request with a token."""
    reading = MetricsAccess(app, CollectorRegistry(), [TOKEN], lambda: 1.0)
    headers = (HOST, (b"authorization", f"Bearer {token}".encode()))
    return send_raw(reading, path=path, headers=headers)


def test_a_standby_is_ready_while_it_could_take_over_and_the_leader_answers() -> None:
    ready = fetch(standby(API), b"/readyz")
    shown = json.loads(ready.body)
    assert (ready.status, shown["role"], shown["leader"]) == (200, "standby", API)
    assert [(c["name"], c["ok"]) for c in shown["checks"]] == [
        ("zookeeper", True),
        ("leader", True),
    ]
    assert "No framework leads" in send_raw(standby(None), path=b"/readyz").problem["detail"]
    alone = send_raw(standby(API, "ZooKeeper does not answer."), path=b"/readyz")
    assert (alone.status, alone.problem["detail"]) == (503, "ZooKeeper does not answer.")


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (httpx.ReadTimeout("silent"), "does not answer"),
        (None, "does not do its work"),
    ],
)
def test_a_standby_probes_the_leader_each_time(error: Exception | None, problem: str) -> None:
    leader = PlayedLeader()
    app = standby(API, played=leader)
    assert send_raw(app, path=b"/readyz").status == 200
    leader.error, leader.status = error, 503
    left = fetch(app, b"/readyz")
    assert left.problem["detail"] == f"The framework that leads ({API}) {problem}."
    assert [str(one.url) for one in leader.received] == [f"{API}/healthz"] * 2


@pytest.mark.parametrize("path", [b"/healthz", b"/readyz"])
def test_an_anonymous_client_sees_no_other_framework(path: bytes) -> None:
    dead = PlayedLeader()
    dead.error = httpx.ReadTimeout("silent")
    for played in (PlayedLeader(), dead):
        shown = fetch(standby(API, played=played), path, token="wrong")
        assert API.removeprefix("http://").encode() not in shown.body
        assert json.loads(shown.body)["role"] == "standby"
        assert API.encode() in fetch(standby(API, played=played), path).body


def test_a_standby_that_answers_stays_alive_whatever_others_lack() -> None:
    assert send_raw(standby(None, "ZooKeeper does not answer."), path=b"/healthz").status == 200


def test_every_other_call_is_forwarded_to_the_leader() -> None:
    for path in (b"/v1/apps", b"/docs", b"/nowhere"):
        assert "No framework leads" in send_raw(standby(None), path=path).problem["detail"]


def test_a_standby_may_become_the_leader_between_two_requests() -> None:
    switch = Switch(standby(None))
    assert send_raw(switch, path=b"/readyz").status == 503
    switch.app = standby(API)
    assert send_raw(switch, path=b"/readyz").status == 200
