"""local/docker/build_runc.py: what is left of the capabilities of a build's step."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.docker import build_runc
from local.docker.build_runc import KEPT, confine, find_bundle

NAMES = st.sampled_from(["CAP_NET_RAW", "CAP_MKNOD", "CAP_SYS_ADMIN", "CAP_NEW", *sorted(KEPT)])
SETS = st.dictionaries(
    st.sampled_from(["bounding", "effective", "permitted", "inheritable", "ambient"]),
    st.none() | st.lists(NAMES),
)


@given(st.none() | SETS)
def test_a_step_has_no_capability_but_those_that_are_kept(sets: dict[str, Any] | None) -> None:
    process: dict[str, Any] = {"capabilities": sets, "args": ["CAP_NET_RAW"]}
    spec: dict[str, Any] = {"process": process, "hostname": "x"}
    before = json.loads(json.dumps(spec))
    confine(spec)
    for kind, left in (sets or {}).items():
        given_before = before["process"]["capabilities"][kind] or []
        assert left == [one for one in given_before if one in KEPT]
    assert spec["process"]["args"] == before["process"]["args"]
    assert spec["hostname"] == "x"


@pytest.mark.parametrize(
    ("arguments", "bundle"),
    [
        (["--log", "l", "--log-format", "json", "run", "--bundle", "/b", "id"], "/b"),
        (["run", "--bundle=/b", "id"], "/b"),
        (["create", "-b", "/b", "id"], "/b"),
        (["run", "id"], "."),
        (["delete", "id"], None),
        (["--version"], None),
        (["exec", "--process", "/p", "id"], None),
    ],
)
def test_only_what_starts_a_step_has_a_bundle(arguments: Sequence[str], bundle: str | None) -> None:
    assert find_bundle(arguments) == bundle


def run(folder: Path) -> subprocess.CompletedProcess[str]:
    """Start a step in a folder; what stands for runc shows what it is given."""
    runc = folder / "runc"
    runc.write_text('#!/bin/sh\necho "$@"; cat config.json\n')
    runc.chmod(0o755)
    return subprocess.run(
        [sys.executable, "-IS", build_runc.__file__, "run", "id"],
        cwd=folder,
        env={"PATH": f"{folder}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_becomes_runc_with_what_is_left(tmp_path: Path) -> None:
    spec = {"process": {"capabilities": {"bounding": ["CAP_CHOWN", "CAP_NET_RAW"]}}}
    (tmp_path / "config.json").write_text(json.dumps(spec))
    done = run(tmp_path)
    arguments, _, given_to_runc = done.stdout.partition("\n")
    assert arguments == "run id"
    assert json.loads(given_to_runc) == {"process": {"capabilities": {"bounding": ["CAP_CHOWN"]}}}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"process": {"capabilities": "all"}}', "{"])
def test_a_step_whose_capabilities_cannot_be_taken_does_not_start(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / "config.json").write_text(text)
    done = run(tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "the capabilities of a build's step cannot be taken" in done.stderr


def test_anybody_may_execute_it_by_its_first_line() -> None:
    file = Path(build_runc.__file__)
    assert file.read_text().startswith("#!/usr/bin/env -S python3 -IS\n")
    assert file.stat().st_mode & 0o111
