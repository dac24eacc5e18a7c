import dataclasses
from collections.abc import Callable

import pytest

from framework.apps.app_secrets import AppSecrets, Variable
from framework.errors import Unavailable
from framework.service.tokens import ServiceTokens
from framework.state.records import Records
from framework.vault import Keyring
from prevs.commit_settings import CommitSettings, RunSettings
from prevs.records import AppRecord, PreviewRecord, TokenRecord
from prevs.states import State
from prevs.units import preview_unit
from tests.fakes.clock import FakeClock
from tests.fakes.driven import A, B, Driven
from tests.fakes.mishaps import Fate
from tests.fakes.placements import KEY as SIGNING_KEY
from tests.fakes.store import FakeStore

TOKEN = TokenRecord("deploys", "use", "5c80e7d1" * 8)


def test_a_step_without_a_change_makes_no_new_snapshot(driven: Driven) -> None:
    driven.run()
    before = driven.service.snapshot
    driven.tick()
    assert driven.service.snapshot is before
    driven.start(B, "other")
    assert driven.service.snapshot is not before
    assert preview_unit("hello", B) not in before.previews


def test_records_without_an_app_are_shown_to_nobody() -> None:
    store = FakeStore()
    for app in ("one", "two"):
        store.save(PreviewRecord(app, A, State.STOPPED))
    store.save(AppRecord("one", "/srv/one"))
    records = Records(store.load(), store, FakeClock().clock, Keyring(()), keys=(SIGNING_KEY,))
    assert list(records.snapshot().previews) == [preview_unit("one", A)]


def test_large_changes_are_written_in_several_steps() -> None:
    store = FakeStore()
    records = Records(store.load(), store, FakeClock().clock, Keyring(()), keys=(SIGNING_KEY,))
    large = CommitSettings(run=RunSettings(environment={"A": "x" * 8000}))
    for settings, writes in ((None, 1), (large, 5)):
        before = store.writes
        records.save_all(
            PreviewRecord(
                "one", f"{number:040}", State.STOPPED, settings=settings, consecutive_losses=writes
            )
            for number in range(100)
        )
        assert store.writes - before == writes
        assert len(records.in_state(State.STOPPED)) == 100


def test_a_deleted_preview_is_gone_from_every_query(driven: Driven) -> None:
    driven.start()
    driven.stop()
    driven.call(lambda: driven.records.forget_preview(driven.preview()))
    assert driven.service.snapshot.previews == {}
    assert not driven.records.of_app("hello")
    assert not driven.records.in_state(State.STOPPED)
    assert ("previews", "hello", A) not in driven.znodes.records


def set_secret(driven: Driven, value: str, app: str = "hello") -> None:
    given = AppSecrets(app, {"API_KEY": Variable(value)})
    driven.commands.change_secrets(app, lambda _: given)


def known(driven: Driven) -> tuple[object, ...]:
    """Return a framework's snapshot of its records."""
    tokens = ServiceTokens(driven.service, "the operator's", str)
    snapshot = driven.service.snapshot
    given = [snapshot.given(app) for app in snapshot.apps]
    return snapshot.apps, snapshot.previews, tokens.tokens(), given


@pytest.mark.parametrize(
    "write",
    [
        lambda driven: driven.start(B),
        lambda driven: driven.stop(),
        lambda driven: driven.add_app(AppRecord("other", "/srv/other")),
        lambda driven: driven.commands.remove_app("hello"),
        lambda driven: driven.commands.add_token(TOKEN),
        lambda driven: driven.commands.remove_token("old"),
        lambda driven: set_secret(driven, "changed"),
        lambda driven: set_secret(driven, "first", app="bare"),
        lambda driven: driven.commands.clear_secrets("hello"),
    ],
    ids=[
        *("a start", "a stop", "an app added", "an app removed"),
        *("a token added", "a token removed", "a secret set", "a first one", "secrets removed"),
    ],
)
def test_a_write_without_an_answer_is_repeated_unchanged(
    driven: Driven, write: Callable[[Driven], object]
) -> None:
    driven.add_app(AppRecord("bare", "/srv/bare"))
    driven.run()
    driven.commands.add_token(dataclasses.replace(TOKEN, name="old"))
    set_secret(driven, "hunter2")
    before, stored = known(driven), driven.znodes.values()
    driven.mishaps.plan([Fate.UNANSWERED])
    with pytest.raises(Unavailable):
        write(driven)
    assert known(driven) == before
    assert driven.mishaps.met == 1
    driven.tick()
    assert (known(driven), driven.znodes.values()) == (before, stored)
    write(driven)
    assert driven.znodes.values() != stored
