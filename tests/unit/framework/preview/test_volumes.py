"""Which agent has what a preview has written, and what it leaves behind."""

import dataclasses

from framework.preview.volumes import find_agent, find_left
from prevs.commit_settings import CommitSettings, RunSettings
from prevs.records import PreviewRecord
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


def test_the_agent_where_a_preview_ran_has_its_volumes() -> None:
    assert find_agent(KEEPS) == "agent-1"
    assert find_left(KEEPS, "agent-1") == ""
    assert find_left(KEEPS, "agent-2") == "10.0.0.1"


def test_a_preview_leaves_nothing_before_it_ran_or_its_settings_are_read() -> None:
    for preview in (UNREAD, NEVER_RAN):
        assert find_agent(preview) is None
        assert find_left(preview, "agent-2") == ""
