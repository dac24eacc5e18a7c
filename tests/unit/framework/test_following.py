from collections.abc import Mapping

from framework import events
from framework.errors import RepositoryUnreachable
from framework.following import Following, followed
from framework.ports import Resolved
from framework.records import Snapshot
from prevs.records import AppRecord, PreviewRecord
from prevs.states import ACTIVE, State

A = "a" * 40
ONE = AppRecord("one", "/srv/one")
TWO = AppRecord("two", "/srv/two")


class SomeRefs:
    """Refs of which one repository cannot be reached."""

    def __init__(self) -> None:
        self.forgotten: list[str] = []

    def resolve(self, app: AppRecord, label: str) -> Resolved:
        raise NotImplementedError

    def heads(self, app: AppRecord) -> Mapping[str, str]:
        if app is ONE:
            raise RepositoryUnreachable("one", "/srv/one", "no such file")
        return {"main": A}

    def forget(self, app: str) -> None:
        self.forgotten.append(app)
        if app == "broken":
            raise OSError("busy")


def following(refs: SomeRefs, told: list[events.Event]) -> Following:
    return Following(refs, told.append, lambda: Snapshot({}, {}), interval=1.0)


def test_apps_are_followed_while_they_have_an_active_preview() -> None:
    for state in State:
        snapshot = Snapshot({"one": ONE}, {("one", A): PreviewRecord("one", A, state)})
        assert followed(snapshot) == ([ONE] if state in ACTIVE else [])


def test_a_repository_that_cannot_be_reached_keeps_no_other_from_being_followed() -> None:
    told: list[events.Event] = []
    following(SomeRefs(), told).fetch([ONE, TWO])
    assert told == [events.Heads("two", {"main": A})]


def test_a_mirror_that_cannot_be_removed_does_not_keep_its_app() -> None:
    told: list[events.Event] = []
    refs = SomeRefs()
    worker = following(refs, told)
    worker.remove("one")
    worker.remove("broken")
    assert refs.forgotten == ["one", "broken"]
    assert told == [events.Forgotten("one"), events.Forgotten("broken")]
