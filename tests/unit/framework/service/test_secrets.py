import contextlib
from collections.abc import Iterator

import pytest

from framework.apps.app_secrets import AppSecrets, Variable
from framework.errors import NoKey, SecretsChanged, SecretsUnreadable, UnknownApp, UnknownVariable
from framework.service.service_client import ServiceClient
from framework.state.snapshot import Snapshot
from prevs.messages import Credential
from prevs.records import AppRecord, SecretsRecord
from prevs.states import Cause, State
from program.settings.keys import new_key
from tests.fakes.driven import B, Driven

OLD, NEW = new_key(), new_key()
PASSWORD = Credential("deploy", "hunter2")


@contextlib.contextmanager
def running(driven: Driven) -> Iterator[ServiceClient]:
    with driven.running():
        yield ServiceClient(driven.service)


@pytest.fixture
def sealed() -> Driven:
    """A framework with an app that has variables."""
    driven = Driven(keys=(OLD,))
    driven.add_app()
    give(driven, "API_KEY", "hunter2")
    return driven


def give(driven: Driven, name: str, value: str) -> AppSecrets:
    def change(given: AppSecrets) -> AppSecrets:
        return AppSecrets(given.app, {**given.variables, name: Variable(value)}, PASSWORD)

    return driven.commands.change_secrets("hello", change)


def shown(driven: Driven) -> Snapshot:
    return driven.service.snapshot


def stored(driven: Driven) -> SecretsRecord | None:
    found = driven.znodes.records.get(("secrets", "hello"))
    if found is None:
        return None
    assert isinstance(found[0], SecretsRecord)
    return found[0]


def next_one(driven: Driven, *keys: str) -> Driven:
    driven.znodes.epoch += 1
    return Driven(driven.znodes, driven.clock, keys=keys)


def test_a_variable_stays_until_it_is_unset() -> None:
    driven = Driven()
    driven.add_app()
    with running(driven) as previews:
        assert previews.snapshot.credential("hello") is None
        before = previews.change_variables(
            lambda commands: commands.set("hello", "MODE", Variable("preview"))
        ).given
        assert before.variables["MODE"].changed == driven.clock.seconds
        previews.change_variables(
            lambda commands: commands.set("hello", "API_KEY", Variable("hunter2"))
        )
        previews.command(lambda commands: commands.set_credential("hello", PASSWORD))
        given = previews.snapshot.given("hello")
        assert previews.snapshot.credential("hello") == PASSWORD
        assert given.secrets == {"MODE": "preview", "API_KEY": "hunter2"}
        with pytest.raises(SecretsChanged):
            previews.change_variables(lambda c: c.unset("hello", "MODE", only_if=before))
        previews.change_variables(lambda c: c.unset("hello", "MODE", only_if=given))
        with pytest.raises(UnknownVariable):
            previews.change_variables(lambda commands: commands.unset("hello", "MODE"))
        previews.command(lambda commands: commands.clear_secrets("hello"))
        assert previews.snapshot.given("hello").variables == {}
        previews.command(lambda commands: commands.unset_credential("hello"))
        left = previews.snapshot.given("hello")
        assert (left.variables, left.credential) == ({}, None)
        assert {name: one.value for name, one in left.unset.items()} == {"API_KEY": "", "MODE": ""}


def test_an_unknown_app_cannot_have_variables() -> None:
    driven = Driven()
    with running(driven) as previews:
        assert previews.snapshot.credential("hello") is None
        with pytest.raises(UnknownApp):
            previews.snapshot.given("hello")
        with pytest.raises(UnknownApp):
            previews.change_variables(lambda c: c.set("hello", "MODE", Variable("preview")))
        with pytest.raises(UnknownApp):
            previews.command(lambda commands: commands.clear_secrets("hello"))


def test_stored_variables_are_sealed_and_the_next_framework_opens_them(sealed: Driven) -> None:
    record = stored(sealed)
    assert record is not None
    assert b"hunter2" not in record.encode()
    assert b"API_KEY" not in record.encode()
    snapshot = shown(next_one(sealed, OLD))
    assert snapshot.given("hello").secrets == {"API_KEY": "hunter2"}
    assert snapshot.credential("hello") == PASSWORD


def test_a_new_key_seals_everything_again_and_the_old_one_can_go(sealed: Driven) -> None:
    before = stored(sealed)
    both = next_one(sealed, NEW, OLD)
    both.tick()
    now = stored(sealed)
    assert before is not None
    assert now is not None
    assert now.sealed != before.sealed
    both.tick()
    assert stored(sealed) == now
    assert shown(next_one(sealed, NEW)).given("hello").secrets == {"API_KEY": "hunter2"}


@pytest.mark.parametrize("keys", [(), (NEW,)])
def test_a_missing_key_is_reported_and_nothing_is_lost(
    sealed: Driven, keys: tuple[str, ...]
) -> None:
    driven = next_one(sealed, *keys)
    snapshot = shown(driven)
    for read in (snapshot.given, snapshot.credential):
        with pytest.raises(SecretsUnreadable, match=r"'hello' cannot be opened.*PREVS_KEY_FILE"):
            read("hello")
    with pytest.raises(SecretsUnreadable):
        give(driven, "OTHER", "value")
    driven.tick()
    assert shown(next_one(driven, OLD)).given("hello").secrets == {"API_KEY": "hunter2"}


def test_a_variable_that_cannot_be_opened_can_be_removed(sealed: Driven) -> None:
    driven = next_one(sealed, NEW)
    driven.commands.clear_secrets("hello")
    assert shown(driven).given("hello") == AppSecrets("hello")
    assert stored(driven) is None


def test_a_value_sealed_for_one_app_is_not_opened_for_another(sealed: Driven) -> None:
    record = stored(sealed)
    assert record is not None
    moved = SecretsRecord("other", record.sealed)
    sealed.znodes.records["secrets", "other"] = (moved, 0)
    with pytest.raises(SecretsUnreadable, match="they belong to 'hello'"):
        shown(next_one(sealed, OLD)).credential("other")


def test_without_a_key_no_variable_can_be_set() -> None:
    driven = Driven(keys=())
    driven.add_app()
    with pytest.raises(NoKey):
        give(driven, "API_KEY", "hunter2")
    assert shown(driven).given("hello") == AppSecrets("hello")
    assert stored(driven) is None


def test_a_preview_without_its_variables_does_not_start(sealed: Driven) -> None:
    driven = next_one(sealed, NEW)
    driven.place()
    preview = driven.preview()
    assert preview.state is State.FAILED
    assert preview.failure is not None
    assert preview.failure.cause is Cause.SETTINGS_INVALID
    assert "PREVS_KEY_FILE" in preview.failure.message
    assert driven.cluster.tasks == []


def test_another_app_starts_nevertheless(sealed: Driven) -> None:
    driven = next_one(sealed, NEW)
    driven.add_app(AppRecord("other", "/srv/other"))
    driven.start(app="other")
    driven.offer()
    assert driven.preview(app="other").state is State.PLACED


def test_a_new_variable_is_in_the_orders_that_follow(sealed: Driven) -> None:
    sealed.place()
    give(sealed, "API_KEY", "changed")
    sealed.start(B, "other")
    sealed.offer("o2")
    first, second = (task.order for task in sealed.cluster.tasks)
    assert (first.secrets, second.secrets) == ({"API_KEY": "hunter2"}, {"API_KEY": "changed"})
    assert first.credential == PASSWORD
