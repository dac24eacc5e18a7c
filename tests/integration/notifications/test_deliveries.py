"""Notifications at real receivers: signed, in order, once or again, and nobody waits for others."""

import json
import time
from collections.abc import Callable

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from framework.errors import Unavailable
from framework.notifications import outbox
from tests.fakes.receiver import ReceiverServer, babble, reset, status, without_end
from tests.integration.notifications.conftest import SECRET, Site, make_receiver
from tests.waits import wait_until

pytestmark = pytest.mark.integration

MakeSite = Callable[..., Site]


def test_each_event_comes_once_in_order_and_signed(site: Site, server: ReceiverServer) -> None:
    site.send_to(make_receiver(server))
    ids = [*site.change_app(3), *site.change_app(2)]
    wait_until(lambda: len(server.taken) == 5)
    assert [one.id for one in server.taken] == ids
    for one in server.taken:
        assert (one.path, one.headers["content-type"]) == ("/hunter2", "application/json")
        assert one.headers["host"] == f"127.0.0.1:{server.port}"
        body = Webhook(SECRET).verify(one.body, one.headers)
        assert (body["id"], body["app"], body["type"]) == (one.id, "shop", "app")
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(one.body + b" ", one.headers)
    wait_until(lambda: site.standing().waiting == 0)
    last = site.standing().last
    assert last is not None
    assert (last.status, last.problem, site.count("taken")) == (204, "", 5)


def test_a_receiver_gets_the_kinds_that_it_wants(
    site: Site, server: ReceiverServer, other: ReceiverServer
) -> None:
    site.send_to(
        make_receiver(server, "failures", events=("failed",)),
        make_receiver(other, "chat", events=("failed", "app"), format="slack"),
    )
    site.change_app()
    wait_until(lambda: other.taken)
    assert json.loads(other.taken[0].body) == {"text": "app shop was changed: mem"}
    assert server.taken == []


def test_a_receiver_gets_nothing_that_happened_before_it_was_added(
    site: Site, server: ReceiverServer
) -> None:
    site.send_to(make_receiver(server, created=time.time()))
    site.change_app(at=1.0)
    [late] = site.change_app()
    wait_until(lambda: server.taken)
    assert server.taken[0].id == late


def test_a_failed_one_comes_again_with_its_id_before_the_next(
    site: Site, server: ReceiverServer
) -> None:
    server.answers = [status(500), reset, babble, status(429, Retry_After="1"), status(404)]
    site.send_to(make_receiver(server))
    first, second = site.change_app(2)
    wait_until(lambda: len(server.taken) == 7)
    assert [one.id for one in server.taken] == [*[first] * 6, second]
    for one in server.taken:
        assert Webhook(SECRET).verify(one.body, one.headers)["id"] == one.id
    assert (site.count("failed"), site.count("expired")) == (5, 0)
    wait_until(lambda: site.count("taken") == 2)


def test_a_refused_one_does_not_come_again(site: Site, server: ReceiverServer) -> None:
    server.answers = [status(400)]
    site.send_to(make_receiver(server))
    ids = site.change_app(2)
    wait_until(lambda: site.count("taken"))
    assert [one.id for one in server.taken] == ids
    assert site.count("refused") == 1


def test_after_an_hour_one_is_dropped_and_the_next_gets_its_turn(
    make_site: MakeSite, server: ReceiverServer
) -> None:
    site = make_site(faster=2000.0)
    server.answers = [status(503)] * 50
    site.send_to(make_receiver(server))
    site.change_app()
    wait_until(lambda: site.standing().dropped)
    tries = len(server.taken)
    assert (site.count("expired"), site.standing().waiting) == (1, 0)
    assert tries >= 3
    server.answers = []
    [second] = site.change_app()
    wait_until(lambda: site.count("taken"))
    assert {one.id for one in server.taken[tries:]} == {second}


@pytest.mark.parametrize("way", ["hang", "drip"])
def test_a_slow_receiver_delays_no_other(
    site: Site, server: ReceiverServer, other: ReceiverServer, way: str
) -> None:
    server.answers = [getattr(server, way)] * 100
    site.send_to(make_receiver(server, "slow"), make_receiver(other, "quick"))
    ids = site.change_app(3)
    wait_until(lambda: len(other.taken) == 3, seconds=5.0)
    assert [one.id for one in other.taken] == ids
    last = wait_until(lambda: site.standing("slow").last)
    assert "has not answered within 1 s" in last.problem
    assert last.status is None
    assert {one.id for one in server.taken} == {ids[0]}


def test_an_answer_without_end_is_not_read(site: Site, server: ReceiverServer) -> None:
    server.answers = [without_end, without_end]
    site.send_to(make_receiver(server))
    ids = site.change_app(2)
    wait_until(lambda: site.count("taken") == 2, seconds=5.0)
    assert [one.id for one in server.taken] == ids
    assert site.standing().waiting == 0


@pytest.mark.parametrize("answer", [reset, babble, status(500), status(301, Location="/x")])
def test_why_one_was_not_taken_is_said_without_secrets(
    site: Site, server: ReceiverServer, answer: object
) -> None:
    server.answers = [answer] * 50  # type: ignore[list-item] # one of each kind
    site.send_to(make_receiver(server))
    site.change_app()
    last = wait_until(lambda: site.standing().last)
    assert last.problem.startswith("127.0.0.1 ")
    assert "hunter2" not in last.problem


def test_of_too_many_the_oldest_are_dropped_and_counted(site: Site, server: ReceiverServer) -> None:
    server.answers = [server.hang]
    site.send_to(make_receiver(server))
    [first] = site.change_app()
    wait_until(lambda: server.taken)
    ids = site.change_app(outbox.MOST + 20)
    wait_until(lambda: site.count("dropped") == 21)
    assert (site.standing().dropped, site.standing().waiting) == (21, outbox.MOST)
    server.ended.set()
    wait_until(lambda: site.count("taken") >= 3)
    assert [one.id for one in server.taken if one.id != first][:2] == ids[21:23]


def test_more_than_is_kept_at_once_is_counted_as_lost(site: Site, server: ReceiverServer) -> None:
    site.send_to(make_receiver(server))
    site.change_app(1500)
    wait_until(lambda: site.count("lost"))
    [last] = site.change_app()
    wait_until(lambda: last in {one.id for one in server.taken})
    assert site.count("lost") == 1


def test_a_removed_receiver_gets_nothing_that_waits(site: Site, server: ReceiverServer) -> None:
    server.answers = [server.hang]
    site.send_to(make_receiver(server), make_receiver(server, "stays", events=("pin",)))
    site.change_app(3)
    wait_until(lambda: server.taken)
    site.send_to(make_receiver(server, "stays"))
    wait_until(lambda: "ci" not in site.notifier.standing("shop"))
    server.ended.set()
    [after] = site.change_app()
    wait_until(lambda: len(server.taken) == 2)
    assert server.taken[1].id == after


def test_a_test_is_sent_at_once_and_its_answer_shown(site: Site, server: ReceiverServer) -> None:
    receiver = make_receiver(server)
    site.send_to(receiver)
    wait_until(lambda: site.notifier.standing("shop"))
    server.answers = [status(410), status(200)]
    event = {"id": "test-1", "sentence": "a test"}
    assert "(410)" in site.notifier.test("shop", receiver, event).problem
    assert site.notifier.test("shop", receiver, event).status == 200
    assert site.standing().last is not None
    assert [one.id for one in server.taken] == ["test-1", "test-1"]
    site.notifier.stop()
    with pytest.raises(Unavailable):
        site.notifier.test("shop", receiver, event)
