"""Who may look at an app's previews, as the service stores it."""

import dataclasses
from collections.abc import Callable

import pytest

from framework.apps.access_errors import IsPublic, NoPassword
from framework.apps.password_digest import PasswordDigest
from framework.apps.visitor_access import MACHINE, SHARE, PassOrder
from framework.errors import NoKey, Unavailable, UnknownApp
from framework.events import MirrorRemoved
from framework.service.service_client import ServiceClient
from framework.trust import NotTrusted
from prevs import signatures
from prevs.access import Access, AccessRecord
from prevs.records import AppRecord
from tests.fakes.driven import Driven
from tests.fakes.mishaps import Fate
from tests.fakes.placements import KEY as SIGNING_KEY

PASSWORD, OTHER = PasswordDigest("00", "aa"), PasswordDigest("00", "bb")
LINK = PassOrder("demo", SHARE, 7, "main")


@pytest.fixture
def driven() -> Driven:
    """A framework with an app that has a password and a pass."""
    made = Driven()
    made.add_app()
    made.commands.require_password("hello", PASSWORD, preflight=True)
    made.commands.issue_pass("hello", LINK, "id1", by="ci")
    return made


def stored(driven: Driven) -> AccessRecord | None:
    found = driven.znodes.records.get(("access", "hello"))
    if found is None:
        return None
    assert isinstance(found[0], AccessRecord)
    return found[0]


def shown(driven: Driven) -> AccessRecord:
    return driven.service.snapshot.access_of("hello")


def next_one(driven: Driven, *keys: bytes) -> Driven:
    driven.znodes.epoch += 1
    return Driven(driven.znodes, driven.clock, signed_with=keys or (SIGNING_KEY,))


def test_the_record_is_signed_and_in_the_snapshot(driven: Driven) -> None:
    record = stored(driven)
    assert record == shown(driven)
    assert record is not None
    assert signatures.is_access_signed([SIGNING_KEY], record)
    assert (record.access, record.preflight) == (Access.PASSWORD, True)
    assert record.era == int(driven.clock.seconds * 1000)
    assert record.passes["id1"].by == "ci"
    assert driven.service.snapshot.given("hello").password == PASSWORD


def test_a_new_password_begins_an_era_and_another_setting_does_not(driven: Driven) -> None:
    before = shown(driven)
    driven.commands.require_password("hello", None, preflight=False)
    assert shown(driven) == dataclasses.replace(
        before, preflight=False, signature=shown(driven).signature
    )
    driven.commands.require_password("hello", OTHER)
    after = shown(driven)
    assert (after.era > before.era, after.passes) == (True, {})
    assert driven.service.snapshot.given("hello").password == OTHER


def test_no_era_of_a_removed_app_comes_back(driven: Driven) -> None:
    before, commands = shown(driven), driven.commands
    commands.remove_app("hello")
    assert stored(driven) is not None  # proxies still have routes
    driven.tick()
    driven.step(MirrorRemoved("hello"))
    assert stored(driven) is None
    driven.add_app()
    assert shown(driven).access is Access.PUBLIC
    with pytest.raises(NoPassword):
        commands.require_password("hello", None)
    commands.require_password("hello", PASSWORD)
    assert shown(driven).era > before.era


def test_a_public_app_has_no_record_and_no_passes(driven: Driven) -> None:
    commands = driven.commands
    assert driven.commands.open_to_all("hello") == AccessRecord("hello")
    assert (stored(driven), shown(driven).access) == (None, Access.PUBLIC)
    for act in (
        lambda: commands.issue_pass("hello", PassOrder("ci", MACHINE, 90), "id2", by="ci"),
        lambda: commands.end_access("hello"),
    ):
        with pytest.raises(IsPublic, match="prevs access hello password"):
            driven.call(act)


def test_a_new_leader_signs_with_its_own_key_what_it_trusts(driven: Driven) -> None:
    before = stored(driven)
    assert before is not None
    after = next_one(driven, b"new", SIGNING_KEY)
    now = stored(after)
    assert now is not None
    assert signatures.is_access_signed([b"new"], now)
    assert dataclasses.replace(now, signature="") == dataclasses.replace(before, signature="")


@pytest.mark.parametrize("access", Access)
def test_an_app_with_an_unsigned_record_is_closed_in_a_new_era(
    driven: Driven, access: Access
) -> None:
    before = shown(driven)
    forged = dataclasses.replace(before, access=access, era=10**30, signature="00" * 32)
    driven.znodes.records["access", "hello"] = (forged, 7)
    driven.clock.pass_seconds(5)
    later = next_one(driven)
    now = shown(later)
    assert (now.access, now.era, now.passes) == (Access.PASSWORD, before.era + 5000, {})
    assert stored(later) == forged, "with the token that signed it, it counts again"
    # Nobody makes a trusted record of it, unless somebody writes who may look anew.
    commands = later.commands
    acts: tuple[Callable[[], object], ...] = (
        lambda: commands.end_access("hello"),
        lambda: commands.revoke_pass("hello", "id1"),
        lambda: commands.issue_pass("hello", LINK, "id2", by="ci"),
    )
    for act in acts:
        with pytest.raises(NotTrusted, match="prevs access hello password"):
            act()
    later.commands.require_team("hello")
    later.tick()
    written = stored(later)
    assert written is not None
    assert (written.access, written.passes) == (Access.TEAM, {})
    assert signatures.is_access_signed([SIGNING_KEY], written)
    assert later.service.snapshot.refused == {}


def test_a_write_without_an_answer_is_repeated_as_it_was_before(driven: Driven) -> None:
    before, commands = shown(driven), driven.commands
    for act in (commands.end_access, commands.open_to_all):
        driven.mishaps.plan([Fate.UNANSWERED, Fate.REFUSED])
        with pytest.raises(Unavailable):
            act("hello")
        assert (stored(driven) != before, shown(driven)) == (True, before)
        driven.tick()
        assert stored(driven) == before


def test_an_app_for_its_team_keeps_its_password_for_later(driven: Driven) -> None:
    commands, before = driven.commands, shown(driven)
    commands.require_team("hello")
    team = shown(driven)
    assert (team.access, team.preflight, team.passes) == (Access.TEAM, True, {})
    assert team.era > before.era
    commands.require_team("hello", preflight=False)
    assert (shown(driven).era, shown(driven).preflight) == (team.era, False)
    driven.clock.pass_seconds(1)
    commands.require_password("hello", None)
    assert (shown(driven).access, shown(driven).era > team.era) == (Access.PASSWORD, True)
    assert driven.service.snapshot.given("hello").password == PASSWORD


def test_a_new_app_is_never_open_if_new_apps_are_for_their_team(driven: Driven) -> None:
    app, store = AppRecord("other", "/srv/other"), driven.store
    with driven.running():
        previews = ServiceClient(driven.service, access=Access.TEAM, has_sign_in=True)
        store.written.clear()
        previews.add_app(app)
        kinds = [type(one) for one in store.written]
        assert kinds.index(AccessRecord) < kinds.index(AppRecord)
        assert previews.snapshot.access_of("other").access is Access.TEAM
        previews.command(lambda commands: commands.open_to_all("other"))
        previews.add_app(app)  # once more: it changes nothing
        assert previews.snapshot.access_of("other").access is Access.PUBLIC


def test_what_is_missing_is_named() -> None:
    driven = Driven(keys=())
    driven.add_app()
    with pytest.raises(NoKey):
        driven.commands.require_password("hello", PASSWORD)
    assert shown(driven).access is Access.PUBLIC
    with pytest.raises(UnknownApp):
        driven.commands.open_to_all("other")
