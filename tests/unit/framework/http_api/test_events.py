import asyncio
import json
from typing import Any

import pytest

from prevs.states import State
from tests.fakes.asgi import TOKEN, ApiInProcess, AsgiClient, refusal

SHA = "a" * 40


def scene() -> ApiInProcess:
    """Return an API with a history of some events."""
    api = ApiInProcess()
    for name in ("hello", "shop"):
        api.call("POST", "/v1/apps", json={"name": name, "repository": "/srv"})
        api.previews.look()
    for state in (State.QUEUED, State.PLACED, State.RUNNING):
        api.previews.put("hello", SHA, state, labels=("main",))
        api.previews.look()
    return api


def fetch(api: ApiInProcess, **query: Any) -> Any:
    answer = api.call("GET", "/v1/events", params=query)
    assert answer.status_code == 200
    return answer.json()


def test_the_latest_event_comes_first_with_all_its_fields() -> None:
    answer = fetch(scene())
    assert answer["next"] is None
    assert [one["id"] for one in answer["events"]] == [f"fake-{n}" for n in (5, 4, 3, 2, 1)]
    assert answer["events"][0] == {
        "id": "fake-5",
        "at": 1000.0,
        "type": "preview",
        "app": "hello",
        "sha": SHA,
        "label": "main",
        "state": "running",
        "before": "placed",
        "sentence": "main of hello (aaaaaaa) runs",
        "task_id": None,
        "job": None,
        "schedule": None,
        "gate": None,
        "stack": None,
    }
    assert answer["events"][4]["sentence"] == "app hello was added"


def test_later_events_are_on_no_later_page() -> None:
    api = scene()
    first = fetch(api, app="hello", limit=2)
    api.previews.put("hello", SHA, State.FAILED)
    rest = fetch(api, app="hello", limit=2, after=first["next"])
    ids = [[one["id"] for one in page["events"]] for page in (first, rest)]
    assert ids == [["fake-5", "fake-4"], ["fake-3", "fake-1"]]


@pytest.mark.parametrize("after", ["another-leader-7", "fake-6", "nonsense"])
def test_a_cursor_of_another_leader_is_a_problem(after: str) -> None:
    answer = scene().call("GET", "/v1/events", params={"after": after})
    assert refusal(answer) == (404, "unknown-place")


def follow(api: ApiInProcess, after: str, count: int) -> list[bytes]:
    """Return `count` pieces of the stream of `hello` after an event; then the reader leaves."""
    client = AsgiClient()
    sent = {"authorization": f"Bearer {TOKEN}", "accept": "text/event-stream"}
    headers = [(k.encode(), v.encode()) for k, v in {**sent, "last-event-id": after}.items()]

    async def run() -> None:
        call = client.send(api.app, path=b"/v1/events", query=b"app=hello", headers=headers)
        following = asyncio.create_task(call)
        while len(client.sent) < count + 2:  # before them come the headers, and that it begins
            await client.got.wait()
            client.got.clear()
        following.cancel()
        await asyncio.wait([following])

    asyncio.run(asyncio.wait_for(run(), 10))
    return [message["body"] for message in client.sent[2:]]


def test_events_of_an_app_are_followed_after_a_given_event() -> None:
    api = scene()
    events = follow(api, "fake-1", 3)  # without the events of the other app
    listed = fetch(api, app="hello")["events"][2::-1]
    assert [json.loads(event.partition(b"\ndata: ")[2]) for event in events] == listed
    assert events[0].startswith(b"event: preview\nid: fake-3\n")
    assert follow(api, "another-leader-7", 1) == [b"event: reset\nid: fake-5\ndata: {}\n\n"]
