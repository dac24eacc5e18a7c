"""How often the framework calls git for one cold start: each is waited for."""

import json
from pathlib import Path

import pytest

from framework.apps import effective_settings
from framework.events import Event, HeadsFetched
from framework.git.branch_poller import BranchPoller
from framework.git.mirrors import Mirrors
from framework.state.snapshot import Snapshot
from prevs.commit_settings import CommitSettings
from prevs.records import AppRecord, PreviewRecord
from prevs.states import State
from prevs.units import preview_unit
from tests.fakes.samples import SampleRepository

CALLS = ["rev-parse", "fetch", "for-each-ref", "log", "ls-tree"]
KNOWN = {*CALLS, "gc", "diff-tree"}


def test_a_start_of_a_commit_that_was_just_pushed_takes_no_more_calls_of_git(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is new, at the tip of a branch, and has no settings of its own."""
    repository = SampleRepository(tmp_path / "repository")
    app = AppRecord(name="hello", repository=str(repository.folder))
    mirrors = Mirrors(tmp_path / "mirrors")
    repository.commit({"first": "1"})
    for _ in range(2):  # the second finds that the mirror is not empty
        mirrors.heads(app)
    sha = repository.commit({"first": "1", "second": "2"})

    trace = tmp_path / "trace"
    monkeypatch.setenv("GIT_TRACE2_EVENT", str(trace))
    assert mirrors.resolve(app, sha).sha == sha
    assert mirrors.read_file(app, sha, ".prevs.toml", most=1000) is None

    assert list_calls(trace) == CALLS


@pytest.mark.parametrize(("watch", "more"), [((), []), (("web",), ["diff-tree"])])
def test_a_push_calls_git_once_more_if_the_app_is_made_of_a_part_and_else_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, watch: tuple[str, ...], more: list[str]
) -> None:
    repository = SampleRepository(tmp_path / "repository")
    app = AppRecord(name="hello", repository=str(repository.folder))
    mirrors, submitted = Mirrors(tmp_path / "mirrors"), list[Event]()
    older = repository.commit({"web/a": "1"})
    runs = PreviewRecord(
        *("hello", older, State.RUNNING),
        labels=("main",),
        refs=("heads/main",),
        settings=CommitSettings(watch=watch),
        settings_for=effective_settings.settings_key(app),
    )
    watched = {"hello": [runs]} if watch else {}
    now = Snapshot({"hello": app}, {preview_unit("hello", older): runs}, watched=watched)
    poller = BranchPoller(mirrors, submitted.append, lambda: now, interval=10.0, failed=print)
    for _ in range(2):
        poller.fetch(app)
    repository.commit({"web/a": "1", "docs": "2"})
    trace = tmp_path / "trace"
    monkeypatch.setenv("GIT_TRACE2_EVENT", str(trace))
    poller.fetch(app)
    assert list_calls(trace) == ["fetch", "for-each-ref", "gc", *more]
    fetched = submitted[-1]
    assert isinstance(fetched, HeadsFetched)
    assert fetched.heads.same == ({"main": older} if watch else {})


def list_calls(trace: Path) -> list[str]:
    """Return which commands of git have run."""
    events = [json.loads(line) for line in trace.read_text().splitlines()]
    started = [event for event in events if event["event"] == "start"]
    # Those that git itself has started have its session before their own.
    ours = [event["argv"] for event in started if "/" not in event["sid"]]
    return [next(word for word in argv if word in KNOWN) for argv in ours]
