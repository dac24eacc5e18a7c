"""What receivers get."""

import json

from framework.http_api.models import event_models
from framework.notifications import bodies
from framework.preview.history import ActivityEvent
from prevs import event_kinds, names
from prevs.states import State

SHA = "5c80e7d2f1a64b0c9d3e8f7a6b5c4d3e2f1a0b9c"
EVENT = ActivityEvent(
    "9f86d081-17",
    1764031207.5,
    "preview",
    "shop",
    SHA,
    "main",
    State.FAILED,
    State.BUILDING,
    "main of shop (5c80e7d) failed: exit 1",
    "shop.task",
)
ADDRESSES = names.addresses("prevs.example", 80)


def write_message(event: ActivityEvent) -> str:
    text = bodies.write("slack", event_models.write_notification(event, ADDRESSES))
    message: dict[str, str] = json.loads(text)
    assert list(message) == ["text"]
    return message["text"]


def test_a_program_gets_the_event_of_the_api_with_the_address_of_its_preview() -> None:
    body = bodies.write("prevs", event_models.write_notification(EVENT, ADDRESSES))
    found = json.loads(body)
    assert found.pop("url") == ADDRESSES.url("main", "shop")
    assert found == event_models.show_event(EVENT).model_dump(mode="json")
    unnamed = event_models.write_notification(EVENT._replace(label=None), ADDRESSES)
    assert unnamed["url"] == ADDRESSES.url(SHA, "shop")
    instance = EVENT._replace(label="x--cart-shop", instance="x--cart-shop")
    at_variant = event_models.write_notification(instance, ADDRESSES)
    assert at_variant["url"] == ADDRESSES.gate_url("x--cart-shop")
    of_app = EVENT._replace(type="app", sha=None, label=None, state=None, before=None)
    assert event_models.write_notification(of_app, ADDRESSES)["url"] is None
    of_gate = of_app._replace(type="gate", subject="api")
    assert event_models.write_notification(of_gate, ADDRESSES)["url"] == ADDRESSES.gate_url("api")
    of_stack = event_models.write_notification(
        of_app._replace(type="stack", subject="shop"), ADDRESSES
    )
    assert (of_stack["stack"], of_stack["url"]) == ("shop", ADDRESSES.gate_url("shop"))


def test_a_test_has_the_fields_of_an_event() -> None:
    test = event_models.write_test("shop", "test-1", 1.0)
    assert test.keys() == event_models.write_notification(EVENT, ADDRESSES).keys()


def test_a_chat_gets_the_sentence_and_a_link() -> None:
    url = ADDRESSES.url("main", "shop")
    assert write_message(EVENT) == f"main of shop (5c80e7d) failed: exit 1: <{url}>"


def test_a_sentence_mentions_nobody_and_hides_no_link() -> None:
    sentence = "<!channel> <@U1> @all @here & <https://evil.example|shop> [shop](https://evil)"
    text = write_message(EVENT._replace(sentence=sentence))
    foreign = text.rpartition(": <")[0]
    assert foreign == (
        "&lt;!channel&gt; &lt;@\u200bU1&gt; @\u200ball @\u200bhere &amp; "
        "&lt;https://evil.example|shop&gt; [shop]\u200b(https://evil)"
    )


def test_a_kind_is_the_state_or_what_else_has_happened() -> None:
    kinds = [
        EVENT.kind,
        EVENT._replace(state=State.QUEUED, before=None).kind,
        EVENT._replace(state=None).kind,
        EVENT._replace(state=State.RUNNING, before=State.RUNNING).kind,
        EVENT._replace(type="app", state=None, before=None).kind,
    ]
    assert kinds == ["failed", "queued", "forgotten", "pin", "app"]
    assert set(kinds) <= set(event_kinds.NAMES)
