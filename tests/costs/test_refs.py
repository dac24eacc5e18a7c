"""How often the framework calls git for one cold start: each is waited for."""

import json
from pathlib import Path

import pytest

from framework.git.mirrors import Mirrors
from prevs.records import AppRecord
from tests.fakes.samples import SampleRepository

CALLS = ["rev-parse", "fetch", "for-each-ref", "log", "ls-tree"]


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

    events = [json.loads(line) for line in trace.read_text().splitlines()]
    started = [event for event in events if event["event"] == "start"]
    # Those that git itself has started have its session before their own.
    ours = [event["argv"] for event in started if "/" not in event["sid"]]
    assert [next(word for word in argv if word in CALLS) for argv in ours] == CALLS
