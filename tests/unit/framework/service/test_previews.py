import contextlib
from collections.abc import Iterator

import pytest

from framework import events
from framework.errors import (
    AppChanged,
    AppExists,
    InvalidSettings,
    NotRetryable,
    Unavailable,
    UnknownApp,
    UnknownPreview,
)
from framework.http_api.models.presenter import Presenter
from framework.service.previews import ServicePreviews
from prevs import names
from prevs.records import AppRecord
from prevs.states import State
from tests.fakes.driven import APP, A, B, Driven


@contextlib.contextmanager
def running(driven: Driven) -> Iterator[ServicePreviews]:
    with driven.running():
        yield ServicePreviews(driven.service)


@pytest.fixture
def previews(driven: Driven) -> Iterator[ServicePreviews]:
    with running(driven) as previews:
        yield previews


def test_an_app_is_changed_and_removed_only_as_it_was_read(previews: ServicePreviews) -> None:
    read = previews.app("hello")
    now = previews.change_app("hello", {"mem": 64}, only_if=read)
    with pytest.raises(AppChanged):
        previews.change_app("hello", {"mem": 32}, only_if=read)
    with pytest.raises(AppChanged):
        previews.remove_app("hello", only_if=read)
    assert previews.app("hello") == now
    assert now.mem == 64
    previews.remove_app("hello", only_if=now)
    assert previews.apps() == []


def test_what_is_written_is_read_right_after(previews: ServicePreviews) -> None:
    queued = previews.start("hello", A, "main")
    assert previews.preview("hello", A) == queued
    assert previews.stop("hello", A).state is State.STOPPED
    assert [preview.state for preview in previews.previews()] == [State.STOPPED]


def test_previews_come_by_app_and_time_of_creation(previews: ServicePreviews) -> None:
    previews.add_app(AppRecord("abc", "/srv/abc"))
    previews.start("hello", B, "two")
    previews.start("abc", A, "main")
    assert [(p.app, p.sha) for p in previews.previews()] == [("abc", A), ("hello", B)]
    assert [app.name for app in previews.apps()] == ["abc", "hello"]


def test_the_same_app_again_is_no_error_and_another_one_is(previews: ServicePreviews) -> None:
    assert previews.add_app(APP).created == previews.app("hello").created
    with pytest.raises(AppExists):
        previews.add_app(AppRecord("hello", "/srv/other"))


def test_a_repository_that_may_be_no_apps_is_refused_but_to_who_has_it(driven: Driven) -> None:
    with driven.running():
        previews = ServicePreviews(
            driven.service, lambda address: "is local" if address.startswith("/") else None
        )
        with pytest.raises(InvalidSettings, match="repository: is local"):
            previews.add_app(AppRecord("other", "/srv/other"))
        with pytest.raises(InvalidSettings, match="repository: is local"):
            previews.change_app("hello", {"repository": "/srv/other"})
        assert previews.app("hello").repository == APP.repository
        # What is there goes on, and may be changed otherwise.
        assert previews.add_app(APP).name == "hello"
        same = previews.change_app("hello", {"repository": APP.repository, "mem": 64})
        assert same.mem == 64
        moved = previews.change_app("hello", {"repository": "https://git.example.org/x"})
        assert moved.repository == "https://git.example.org/x"
        with pytest.raises(InvalidSettings):
            previews.change_app("hello", {"repository": APP.repository})


def test_what_is_not_there_is_told_as_such(previews: ServicePreviews) -> None:
    for call in (previews.stop, previews.retry, previews.preview):
        with pytest.raises(UnknownApp):
            call("nobody", A)
        with pytest.raises(UnknownPreview):
            call("hello", A)
    with pytest.raises(UnknownApp):
        previews.app("nobody")
    with pytest.raises(UnknownApp):
        previews.start("nobody", A, "main")
    with pytest.raises(UnknownApp):
        previews.change_app("nobody", {})


def test_only_a_failed_preview_can_be_retried(previews: ServicePreviews) -> None:
    previews.start("hello", A, "main")
    with pytest.raises(NotRetryable):
        previews.retry("hello", A)


def test_without_zookeeper_reads_answer_and_writes_say_why_they_cannot(
    driven: Driven, previews: ServicePreviews
) -> None:
    queued = previews.start("hello", A, "main")
    driven.service.inbox.put(events.StoreSuspended())
    for write in (
        lambda: previews.start("hello", B, "two"),
        lambda: previews.pin("hello", A, pinned=True),
        lambda: previews.remove_app("hello"),
    ):
        with pytest.raises(Unavailable, match=r"^ZooKeeper does not answer now\. Try again"):
            write()
    assert previews.preview("hello", A).sha == queued.sha
    driven.service.inbox.put(events.StoreResumed())
    assert previews.pin("hello", A, pinned=True).pinned


def test_without_a_master_a_preview_is_queued_and_says_what_it_waits_for() -> None:
    driven = Driven(subscribed=False)
    driven.add_app()
    with running(driven) as previews:
        queued = previews.start("hello", A, "main")
        addresses = names.addresses("localhost", 8080)
        presenter = Presenter(previews, addresses, driven.service.not_ready, lambda: 0.0)
        reason = "The Mesos master has not accepted this framework yet."
        assert presenter.show(queued).reason == reason


def test_what_is_usual_is_told_once_an_attempt_came_to_run() -> None:
    driven = Driven()
    driven.add_app()
    previews = ServicePreviews(driven.service)
    assert previews.usual("hello") == {}
    driven.run()
    assert previews.usual("hello") == {"queued": 0.0, "placed": 0.0}
    assert previews.usual("nobody") == {}
