"""Notifications of real frameworks, of the one that leads and of the next one."""

import signal
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from kazoo.client import KazooClient
from standardwebhooks import Webhook

from tests.fakes.program import OwnRoot, make_repository, walk
from tests.fakes.receiver import ReceiverServer, status
from tests.waits import wait_until

pytestmark = pytest.mark.integration

CALL = "/v1/apps/hello/notifications"


def test_the_leader_sends_what_happens_and_the_next_leader_knows_the_receivers(
    own: OwnRoot, client: KazooClient, tmp_path: Path
) -> None:
    keys = tmp_path / "keys"
    keys.write_bytes(Fernet.generate_key())
    keys.chmod(0o600)
    with ReceiverServer().serving() as server:
        first = own.program(KEY_FILE=str(keys), NOTIFY_HOSTS="hooks.slack.com, 127.0.0.1")
        first.run()
        first.add_app(str(make_repository(tmp_path / "hello")))
        refused = first.request("POST", CALL, json={"url": "https://evil.example/"})
        assert (refused.status_code, "PREVS_NOTIFY_HOSTS" in refused.text) == (409, True)
        order = {"url": f"http://127.0.0.1:{server.port}/hunter2", "name": "ci"}
        added = first.request("POST", CALL, json=order)
        assert added.status_code == 201, added.text
        secret = added.json()["secret"]
        assert first.request("POST", f"{CALL}/ci/test").json()["status"] == 204
        first.request("PATCH", "/v1/apps/hello", json={"mem": 128})
        wait_until(lambda: len(server.taken) == 2)
        sent = [Webhook(secret).verify(one.body, one.headers) for one in server.taken]
        assert [one["type"] for one in sent] == ["test", "app"]
        [event] = first.request("GET", "/v1/events?limit=1").json()["events"]
        assert sent[1] == {**event, "url": None}
        stored = b"".join(client.get(path)[0] for path in walk(client, own.paths.root))
        assert b"hunter2" not in stored
        assert secret.encode() not in stored
        assert first.end() == 0
        assert "hunter2" not in first.log.read_text()
        second = own.program(KEY_FILE=str(keys), NOTIFY_HOSTS="127.0.0.1")
        second.run()
        [known] = second.request("GET", CALL).json()["receivers"]
        assert (known["name"], known["last"]) == ("ci", None)
        second.request("PATCH", "/v1/apps/hello", json={"mem": 256})
        wait_until(lambda: len(server.taken) == 3)
        assert Webhook(secret).verify(server.taken[2].body, server.taken[2].headers)
        wait_until(lambda: second.request("GET", CALL).json()["receivers"][0]["last"])


def test_a_callback_that_one_leader_could_not_deliver_comes_from_the_next(
    own: OwnRoot, tmp_path: Path
) -> None:
    keys = tmp_path / "keys"
    keys.write_bytes(Fernet.generate_key())
    keys.chmod(0o600)
    chosen = {"KEY_FILE": str(keys), "NOTIFY_HOSTS": "127.0.0.1"}
    with ReceiverServer().serving() as server:
        first = own.program(**chosen)
        first.run()
        first.add_app(str(make_repository(tmp_path / "hello")))
        # No agent has so much, so that the job waits.
        assert first.request("PATCH", "/v1/apps/hello", json={"max_mem": 1_048_576}).ok
        order = {"url": f"http://127.0.0.1:{server.port}/", "name": "ci", "events": ["callback"]}
        secret = first.request("POST", CALL, json=order).json()["secret"]
        job = {"label": "main", "command": ["true"], "mem": 1_048_576, "callback": "ci"}
        answer = first.request("POST", "/v1/apps/hello/jobs", json=job)
        assert answer.status_code == 202, answer.text
        path = answer.headers["Location"]
        server.answers = [status(503)] * 100
        assert first.request("DELETE", path).json()["state"] == "cancelled"
        wait_until(lambda: first.request("GET", path).json()["callback"]["last"])
        waiting = first.request("GET", path).json()["callback"]
        assert (waiting["state"], waiting["last"]["status"]) == ("waiting", 503)
        first.end(signal.SIGKILL)
        server.answers.clear()
        second = own.program(**chosen)
        second.run()
        wait_until(lambda: second.request("GET", path).json()["callback"]["state"] == "told")
        assert {one.id for one in server.taken} == {path.replace("/v1/apps/hello/jobs/", "job-")}
        body = Webhook(secret).verify(server.taken[-1].body, server.taken[-1].headers)
        assert (body["url"], body["state"]) == (path, "cancelled")
