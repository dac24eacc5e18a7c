import contextlib
import threading
from collections.abc import Callable, Iterator

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
from framework.service.commands import Commands
from framework.service.service_client import ServiceClient
from prevs import names
from prevs.messages import Isolation
from prevs.records import AppRecord, PreviewRecord
from prevs.states import Phase, State
from program.http import health
from tests.fakes.driven import APP, A, B, Driven


@contextlib.contextmanager
def running(driven: Driven) -> Iterator[ServiceClient]:
    with driven.running():
        yield ServiceClient(driven.service)


@pytest.fixture
def previews(driven: Driven) -> Iterator[ServiceClient]:
    with running(driven) as previews:
        yield previews


def test_an_app_is_changed_and_removed_only_as_it_was_read(previews: ServiceClient) -> None:
    read = previews.snapshot.app("hello")
    now = previews.change_app("hello", {"mem": 64}, only_if=read)
    with pytest.raises(AppChanged):
        previews.change_app("hello", {"mem": 32}, only_if=read)
    with pytest.raises(AppChanged):
        previews.command(lambda commands: commands.remove_app("hello", only_if=read))
    assert previews.snapshot.app("hello") == now
    assert now.mem == 64
    previews.command(lambda commands: commands.remove_app("hello", only_if=now))
    assert previews.snapshot.list_apps() == []


def test_a_written_record_is_readable_at_once(previews: ServiceClient) -> None:
    queued = previews.command(lambda commands: commands.start("hello", A, "main"))
    assert previews.snapshot.preview("hello", A) == queued
    assert previews.command(lambda commands: commands.stop("hello", A)).state is State.STOPPED
    assert [preview.state for preview in previews.snapshot.list_previews()] == [State.STOPPED]


def test_previews_come_by_app_and_time_of_creation(previews: ServiceClient) -> None:
    previews.add_app(AppRecord("abc", "/srv/abc"))
    previews.command(lambda commands: commands.start("hello", B, "two"))
    previews.command(lambda commands: commands.start("abc", A, "main"))
    assert [(p.app, p.sha) for p in previews.snapshot.list_previews()] == [("abc", A), ("hello", B)]
    assert [app.name for app in previews.snapshot.list_apps()] == ["abc", "hello"]


def test_the_same_app_again_is_no_error_and_another_one_is(previews: ServiceClient) -> None:
    assert previews.add_app(APP).created == previews.snapshot.app("hello").created
    with pytest.raises(AppExists):
        previews.add_app(AppRecord("hello", "/srv/other"))


def test_a_forbidden_repository_is_refused_except_for_an_app_that_already_has_it(
    driven: Driven,
) -> None:
    with driven.running():
        previews = ServiceClient(
            driven.service, lambda address: "is local" if address.startswith("/") else None
        )
        with pytest.raises(InvalidSettings, match="repository: is local"):
            previews.add_app(AppRecord("other", "/srv/other"))
        with pytest.raises(InvalidSettings, match="repository: is local"):
            previews.change_app("hello", {"repository": "/srv/other"})
        assert previews.snapshot.app("hello").repository == APP.repository
        # Existing apps go on, and their other settings may change.
        assert previews.add_app(APP).name == "hello"
        same = previews.change_app("hello", {"repository": APP.repository, "mem": 64})
        assert same.mem == 64
        moved = previews.change_app("hello", {"repository": "https://git.example.org/x"})
        assert moved.repository == "https://git.example.org/x"
        with pytest.raises(InvalidSettings):
            previews.change_app("hello", {"repository": APP.repository})


def test_an_unknown_app_or_preview_is_reported_as_such(previews: ServiceClient) -> None:
    calls: tuple[Callable[[str], PreviewRecord], ...] = (
        lambda app: previews.command(lambda commands: commands.stop(app, A)),
        lambda app: previews.command(lambda commands: commands.retry(app, A)),
        lambda app: previews.command(lambda commands: commands.pin(app, A, pinned=True)),
        lambda app: previews.snapshot.preview(app, A),
    )
    for call in calls:
        with pytest.raises(UnknownApp):
            call("nobody")
        with pytest.raises(UnknownPreview):
            call("hello")
    with pytest.raises(UnknownApp):
        previews.snapshot.app("nobody")
    with pytest.raises(UnknownApp):
        previews.command(lambda commands: commands.start("nobody", A, "main"))
    with pytest.raises(UnknownApp):
        previews.change_app("nobody", {})


def test_only_a_failed_preview_can_be_retried(previews: ServiceClient) -> None:
    previews.command(lambda commands: commands.start("hello", A, "main"))
    with pytest.raises(NotRetryable):
        previews.command(lambda commands: commands.retry("hello", A))


def test_without_zookeeper_reads_answer_and_writes_fail_with_the_reason(
    driven: Driven, previews: ServiceClient
) -> None:
    queued = previews.command(lambda commands: commands.start("hello", A, "main"))
    driven.service.inbox.put(events.StoreSuspended())
    for write in (
        lambda: previews.command(lambda commands: commands.start("hello", B, "two")),
        lambda: previews.command(lambda commands: commands.pin("hello", A, pinned=True)),
        lambda: previews.command(lambda commands: commands.remove_app("hello")),
    ):
        with pytest.raises(Unavailable, match=r"^ZooKeeper does not answer now\. Try again"):
            write()
    assert previews.snapshot.preview("hello", A).sha == queued.sha
    driven.service.inbox.put(events.StoreResumed())
    assert previews.command(lambda commands: commands.pin("hello", A, pinned=True)).pinned


def test_without_a_master_a_preview_is_queued_and_shows_what_it_waits_for() -> None:
    driven = Driven(subscribed=False)
    driven.add_app()
    with running(driven) as previews:
        queued = previews.command(lambda commands: commands.start("hello", A, "main"))
        addresses = names.addresses("localhost", 8080)
        presenter = Presenter(
            previews, addresses, lambda: health.why_not(driven.service.readiness()), lambda: 0.0
        )
        reason = "The Mesos master has not accepted this framework yet."
        assert presenter.show(queued).reason == reason


def test_usual_times_are_shown_once_an_attempt_ran() -> None:
    driven = Driven()
    driven.add_app()
    previews = ServiceClient(driven.service)
    assert previews.snapshot.typical_durations == {}
    driven.run()
    assert previews.snapshot.typical_durations == {"hello": {"queued": 0.0, "placed": 0.0}}


def test_the_snapshot_is_the_same_value_until_something_changes(driven: Driven) -> None:
    before = driven.service.snapshot
    driven.step()
    assert driven.service.snapshot is before
    driven.start()
    driven.offer("o1")
    seen = driven.service.snapshot
    # What is known of an agent is in it too, though no record has changed.
    driven.report("TASK_STARTING", Phase.BUILDING, isolation=Isolation(required=True))
    assert driven.service.snapshot.isolations == {"agent-1": Isolation(required=True)}
    assert seen.isolations == {}


def test_a_callers_command_returns_its_result_or_raises_its_error(previews: ServiceClient) -> None:
    thread = previews.command(lambda _: threading.current_thread())
    assert thread is not threading.current_thread()

    def fail(_: Commands) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        previews.command(fail)
