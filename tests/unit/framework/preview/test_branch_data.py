"""framework/preview/branch_data.py: of which branch a preview has the data."""

import dataclasses
from typing import Any

import pytest

from framework.preview.branch_data import find_branch
from prevs import names
from prevs.commit_settings import CommitSettings, RunSettings
from prevs.companions import Companion
from prevs.containers import ContainerSettings, Keep
from prevs.pulls import PullRecord
from prevs.records import PreviewRecord
from prevs.states import State

SHA = "a" * 40
DATABASE = Companion("db", volumes=("/var/lib/db",))
HEAD = PreviewRecord(
    "hello",
    SHA,
    State.QUEUED,
    labels=("main",),
    refs=("heads/main",),
    settings=CommitSettings(run=RunSettings(companions=(DATABASE,))),
)
PULL = PullRecord("hello", 7, SHA, "pull/7/head", branch="feature/x")


def branch_of(pull: PullRecord = PULL, **changes: Any) -> str:
    preview = dataclasses.replace(HEAD, **changes)
    return find_branch(preview, {pull.number: pull})


def test_the_newest_commit_of_a_branch_has_its_data() -> None:
    assert branch_of() == "main"
    label = names.slug("feature/x")
    assert branch_of(labels=(label,), refs=("heads/feature/x",)) == "feature/x"


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": (SHA[:7],)},
        {"labels": ("v1",), "refs": ("heads/main", "tags/v1")},
        {"refs": ()},
        {"labels": ("pr-8",), "refs": ("pull/8",), "stranger": True},
        {"stranger": True},
        {"instance": "main"},
        {"settings": None},
        {"settings": CommitSettings()},
        {"settings": CommitSettings(run=RunSettings(volumes=("/data",)))},
    ],
    ids=[
        *("its digits", "a tag", "an older commit", "a fork", "a stranger", "a variant"),
        *("not read", "no volumes", "the application's volumes"),
    ],
)
def test_others_have_data_of_their_own(changes: dict[str, Any]) -> None:
    assert branch_of(**changes) == ""


@pytest.mark.parametrize(
    "run",
    [
        RunSettings(volumes=("/data",), keep=Keep.BRANCH),
        RunSettings(companions=(Companion("w", container=ContainerSettings(shared={"/f": "f"})),)),
    ],
    ids=["its file says so", "a companion shares them"],
)
def test_volumes_may_be_of_the_branch(run: RunSettings) -> None:
    assert branch_of(settings=CommitSettings(run=run)) == "main"


def test_a_companion_may_keep_its_data_to_the_commit() -> None:
    own = dataclasses.replace(DATABASE, keep=Keep.COMMIT)
    assert branch_of(settings=CommitSettings(run=RunSettings(companions=(own,)))) == ""


def test_a_pull_request_has_the_data_of_its_branch() -> None:
    of_pull: dict[str, Any] = {"labels": ("pr-7",), "refs": ("heads/feature/x",)}
    assert branch_of(**of_pull) == "feature/x"
    assert branch_of(dataclasses.replace(PULL, branch=""), **of_pull) == ""
    assert branch_of(dataclasses.replace(PULL, closed=1.0), **of_pull) == ""


def test_one_commit_of_two_branches_has_the_data_of_the_first_and_stays_with_them() -> None:
    both: dict[str, Any] = {"refs": ("heads/fix", "heads/main")}
    assert branch_of(labels=("main", "fix"), **both) == "main"
    assert branch_of(labels=("fix", "main"), **both) == "fix"
    assert branch_of(labels=("main", "fix"), data="fix", **both) == "fix"
    assert branch_of(labels=("fix",), data="main", **both) == "fix", "main has moved on"
