import pytest

from framework.errors import Unavailable
from framework.records import Records
from framework.sealing import Keyring
from prevs.commit_settings import CommitSettings, RunSettings
from prevs.records import AppRecord, PreviewRecord
from prevs.states import State
from tests.fakes.clock import FakeClock
from tests.fakes.driven import A, B, Driven
from tests.fakes.mishaps import Fate
from tests.fakes.store import FakeStore


def test_a_step_that_changes_nothing_makes_no_new_snapshot(driven: Driven) -> None:
    driven.run()
    before = driven.service.snapshot
    driven.tick()
    assert driven.service.snapshot is before
    driven.start(B, "other")
    assert driven.service.snapshot is not before
    assert ("hello", B) not in before.previews


def test_what_belongs_to_no_app_is_shown_to_nobody() -> None:
    store = FakeStore()
    for app in ("one", "two"):
        store.save(PreviewRecord(app, A, State.STOPPED))
    store.save(AppRecord("one", "/srv/one"))
    records = Records(store.load(), store, FakeClock().clock, Keyring(()))
    assert list(records.snapshot().previews) == [("one", A)]


def test_what_has_much_to_store_is_written_in_more_than_one_go() -> None:
    store = FakeStore()
    records = Records(store.load(), store, FakeClock().clock, Keyring(()))
    large = CommitSettings(run=RunSettings(environment={"A": "x" * 8000}))
    for settings, writes in ((None, 1), (large, 5)):
        before = store.writes
        records.save_all(
            PreviewRecord("one", f"{number:040}", State.STOPPED, settings=settings, lost=writes)
            for number in range(100)
        )
        assert store.writes - before == writes
        assert len(records.in_state(State.STOPPED)) == 100


def test_a_preview_that_is_forgotten_is_gone_from_every_look(driven: Driven) -> None:
    driven.start()
    driven.stop()
    driven.ask(lambda: driven.records.forget_preview(driven.preview()))
    assert driven.service.snapshot.previews == {}
    assert not driven.records.of_app("hello")
    assert not driven.records.in_state(State.STOPPED)
    assert ("previews", "hello", A) not in driven.znodes.records


def test_what_was_written_without_an_answer_is_written_as_it_was(driven: Driven) -> None:
    driven.run()
    driven.mishaps.plan([Fate.UNANSWERED])
    with pytest.raises(Unavailable):
        driven.stop()
    driven.tick()
    assert driven.preview().state is State.RUNNING
    assert driven.znodes.records["previews", "hello", A][0] == driven.preview()


def test_what_was_asked_for_in_vain_is_not_left_to_the_next_framework(driven: Driven) -> None:
    driven.mishaps.plan([Fate.UNANSWERED])
    with pytest.raises(Unavailable):
        driven.start()
    driven.tick()
    assert ("previews", "hello", A) not in driven.znodes.records


def test_an_app_that_was_added_or_removed_in_vain_is_as_it_was(driven: Driven) -> None:
    driven.mishaps.plan([Fate.UNANSWERED])
    with pytest.raises(Unavailable):
        driven.add_app(AppRecord("other", "/srv/other"))
    driven.tick()
    assert ("apps", "other") not in driven.znodes.records
    driven.mishaps.plan([Fate.UNANSWERED])
    with pytest.raises(Unavailable):
        driven.ask(lambda: driven.service.requests.remove_app("hello"))
    driven.tick()
    assert driven.znodes.records["apps", "hello"][0] == driven.service.snapshot.apps["hello"]
