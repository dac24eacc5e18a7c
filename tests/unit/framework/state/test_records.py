import dataclasses
from collections.abc import Callable

import pytest

from framework.apps.app_secrets import AppSecrets, Variable
from framework.apps.password_digest import PasswordDigest
from framework.errors import Unavailable
from framework.events import MirrorRemoved
from framework.stacks.written_stack import WrittenStack
from framework.state.records import Records
from framework.vault import Keyring
from prevs.commit_settings import CommitSettings, RunSettings
from prevs.pulls import PullRecord, RepositoryRecord
from prevs.records import AppRecord, PreviewRecord, TokenRecord
from prevs.roles import RoleRecord
from prevs.schedules import ScheduleRecord
from prevs.stacks import Member
from prevs.states import State
from prevs.units import preview_unit
from tests.fakes.clock import FakeClock
from tests.fakes.driven import A, B, Driven
from tests.fakes.gate_story import GateStory
from tests.fakes.mishaps import Fate
from tests.fakes.placements import KEY as SIGNING_KEY
from tests.fakes.store import FakeStore

TOKEN = TokenRecord("deploys", "5c80e7d1" * 8, "use")
ROLE = RoleRecord("use", group="org/devs", app="hello")
PASSWORD = PasswordDigest("00", "aa")


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


PARTS = (
    *("apps", "previews", "tokens", "roles", "access", "pulls", "repositories", "gates", "stacks"),
    "schedules",
)
SHOP = WrittenStack("web", {"web": Member("bare", "main")})
NIGHTLY = ScheduleRecord("hello", "nightly", "main", command=("x",), every=3600)


@pytest.fixture
def whole(driven: Driven) -> Driven:
    """One of everything that is stored; the app `hello` has all but the stack."""
    driven.add_app(AppRecord("bare", "/srv/bare"))
    driven.run()
    driven.commands.add_token(dataclasses.replace(TOKEN, name="old", app="hello"))
    driven.commands.add_token(dataclasses.replace(TOKEN, name="of-bare", app="bare"))
    driven.commands.add_role(ROLE)
    driven.commands.require_password("hello", PASSWORD)
    driven.call(lambda: driven.records.pulls.save_all([PullRecord("hello", 7, B, "pull/7/head")]))
    repository = RepositoryRecord("hello", "/srv/hello", "7")
    driven.call(lambda: driven.records.repositories.save(repository))
    driven.schedule_commands.put(NIGHTLY)
    driven.stack_commands.write("shop", SHOP, by="ada")
    GateStory(driven).put(("/", "main"))
    set_secret(driven, "hunter2")
    return driven


def known(driven: Driven) -> tuple[object, ...]:
    """Return a framework's snapshot of its records."""
    snapshot = driven.service.snapshot
    given = [snapshot.given(app) for app in snapshot.apps]
    return (*(getattr(snapshot, part) for part in PARTS), given)


def stored(driven: Driven) -> tuple[object, ...]:
    return driven.znodes.values(), dict(driven.znodes.jobs)


@pytest.mark.parametrize(
    "write",
    [
        lambda driven: driven.start(B),
        lambda driven: driven.stop(),
        lambda driven: driven.add_app(AppRecord("other", "/srv/other")),
        lambda driven: driven.commands.change_app("hello", {"mem": 64}),
        lambda driven: driven.commands.remove_app("hello"),
        lambda driven: driven.commands.add_token(TOKEN),
        lambda driven: driven.commands.remove_token("old"),
        lambda driven: driven.commands.add_role(RoleRecord("admin", person="ada")),
        lambda driven: driven.commands.remove_role(ROLE.id),
        lambda driven: driven.commands.end_access("hello"),
        lambda driven: driven.commands.open_to_all("hello"),
        lambda driven: set_secret(driven, "changed"),
        lambda driven: set_secret(driven, "first", app="bare"),
        lambda driven: driven.commands.clear_secrets("hello"),
        lambda driven: driven.schedule_commands.put(dataclasses.replace(NIGHTLY, every=60)),
        lambda driven: driven.schedule_commands.pause("hello", "nightly"),
        lambda driven: driven.schedule_commands.remove("hello", "nightly"),
        lambda driven: driven.gate_commands.remove("api"),
        lambda driven: driven.stack_commands.remove("shop"),
    ],
    ids=[
        *("a start", "a stop", "an app added", "an app changed", "an app removed"),
        *("a token added", "a token removed", "a role added", "a role removed"),
        *("an access ended", "an app opened", "a secret set", "a first one", "secrets removed"),
        *("a schedule written", "a schedule paused", "a schedule removed"),
        *("a gate removed", "a stack removed"),
    ],
)
def test_a_write_without_an_answer_is_repeated_unchanged(
    whole: Driven, write: Callable[[Driven], object]
) -> None:
    before, were = known(whole), stored(whole)
    whole.mishaps.plan([Fate.UNANSWERED])
    with pytest.raises(Unavailable):
        write(whole)
    assert known(whole) == before
    assert whole.mishaps.met == 1
    whole.tick()
    assert (known(whole), stored(whole)) == (before, were)
    write(whole)
    assert stored(whole) != were


def test_the_next_framework_knows_what_is_stored(whole: Driven) -> None:
    whole.znodes.epoch += 1
    assert known(Driven(whole.znodes, whole.clock)) == known(whole)


def test_with_an_app_goes_all_that_is_its_own(whole: Driven) -> None:
    task = whole.task()
    whole.commands.remove_app("hello")
    whole.tick(31)
    whole.update("TASK_KILLED", task=task)
    whole.step(MirrorRemoved("hello"))
    records, jobs = stored(whole)
    assert "hello" not in str(records) + str(jobs)
    assert whole.add_app().name == "hello"
    again = Driven(whole.znodes, whole.clock)
    assert "hunter2" not in str(known(again))
    left = {part: list(getattr(again.service.snapshot, part)) for part in PARTS[1:]}
    of_bare = {"tokens": ["of-bare"], "gates": ["shop"], "stacks": ["shop"]}
    assert {part: names for part, names in left.items() if names} == of_bare
