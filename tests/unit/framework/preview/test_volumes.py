"""Which agent has what a preview has written, and what it leaves behind."""

import dataclasses

from framework.preview.volumes import Keeper, find_keeper, find_left
from prevs.commit_settings import CommitSettings, RunSettings
from prevs.companions import Companion
from prevs.records import DataPlace, PreviewRecord
from prevs.states import State

KEEPS = PreviewRecord(
    "hello",
    "a" * 40,
    State.QUEUED,
    agent_id="agent-1",
    agent_host="10.0.0.1",
    settings=CommitSettings(run=RunSettings(volumes=("/data",))),
    step_seconds={"building": 3.0},
)
UNREAD = dataclasses.replace(KEEPS, settings=None)
NEVER_RAN = dataclasses.replace(KEEPS, step_seconds={})
ONE = Keeper("agent-1", "10.0.0.1")
DATABASE = Companion("db", volumes=("/var/lib/db",))


def test_the_agent_where_a_preview_ran_has_its_volumes() -> None:
    assert find_keeper(KEEPS, "", ()) == ONE
    assert find_left(ONE, "agent-1") == ""
    assert find_left(ONE, "agent-2") == "10.0.0.1"


def test_a_preview_leaves_nothing_before_it_ran_or_its_settings_are_read() -> None:
    for preview in (UNREAD, NEVER_RAN):
        assert find_keeper(preview, "", ()) is None
    assert find_left(None, "agent-2") == ""


def test_the_agent_where_a_commit_ran_last_with_the_data_of_a_branch_has_them() -> None:
    earlier, later = DataPlace("agent-2", "10.0.0.2", 5.0), DataPlace("agent-3", "10.0.0.3", 9.0)
    others = [
        dataclasses.replace(KEEPS, sha="b" * 40, data_places={"main": earlier}),
        dataclasses.replace(KEEPS, sha="c" * 40, data_places={"main": later, "fix": earlier}),
    ]
    assert find_keeper(KEEPS, "main", others) == Keeper("agent-3", "10.0.0.3", "main")
    assert find_keeper(KEEPS, "new", others) is None


def test_what_a_commit_had_of_its_branch_is_not_its_own() -> None:
    run = RunSettings(companions=(DATABASE,))
    had = dataclasses.replace(KEEPS, data="main", settings=CommitSettings(run=run))
    assert find_keeper(had, "", ()) is None
    assert find_keeper(dataclasses.replace(had, data=""), "", ()) == ONE
    mixed = dataclasses.replace(run, volumes=("/files",))
    kept = dataclasses.replace(had, settings=CommitSettings(run=mixed))
    assert find_keeper(kept, "", ()) == ONE, "the application's are the commit's"
