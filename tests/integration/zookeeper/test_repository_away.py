"""A framework whose repository is away: its last state is used, also after a restart."""

import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.program import OwnRoot, Program, make_repository
from tests.waits import wait_until

pytestmark = pytest.mark.integration

LABEL = "/v1/apps/hello/labels/main"


def start_main(program: Program) -> Mapping[str, Any]:
    """Start main while its repository is away; return the answer."""
    # For two seconds it is as new as anybody wants it.
    wait_until(lambda: program.request("GET", LABEL).json()["problem"])
    answer = program.request("POST", "/v1/previews", json={"app": "hello", "label": "main"})
    assert answer.status_code == 202
    program.wait_state(answer.headers["Location"], "running")
    preview: Mapping[str, Any] = answer.json()
    return preview


def test_a_branch_starts_its_last_known_commit_and_the_api_shows_its_age(
    own: OwnRoot, tmp_path: Path
) -> None:
    repository = make_repository(tmp_path / "hello")
    for again in (False, True):
        program = own.program(DIR=str(tmp_path / "framework"))
        program.run()
        if not again:
            begun = time.time()
            program.add_app(repository, health="/runs")
            known = program.request("GET", LABEL).json()
            assert (known["as_of"], known["problem"]) == (None, "")
            shutil.move(repository, tmp_path / "away")
            read = time.time()
        preview = start_main(program)
        assert preview["sha"] == known["sha"]
        assert "does not appear to be a git repository" in preview["problem"]
        # Clocks of files and of programs may be a little apart.
        assert begun - 1 < preview["as_of"] < read + 1
        assert program.request("GET", "/v1/apps/hello/labels/feature").status_code == 502
        assert program.end() == 0
