"""`python -m tests.reach`: who reaches what on one machine, measured from inside."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.reach import expected
from tests.reach.expected import WHO, Way

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.night,
    pytest.mark.skipif(os.geteuid() != 0, reason="makes network namespaces of its own: root"),
    pytest.mark.timeout(600),
]


@pytest.fixture(scope="module")
def found() -> Mapping[str, Any]:
    """What the command prints as JSON."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.reach", "--json"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in {0, 1}, done.stderr
    printed: Mapping[str, Any] = json.loads(done.stdout)
    assert (done.returncode == 0) == (printed["different"] == printed["silent"] == [])
    return printed


def test_from_inside_each_container_reaches_what_the_page_says_and_nothing_more(
    found: Mapping[str, Any],
) -> None:
    assert found["different"] == []
    missing = [row["what"] for row in found["rows"] if None in row["reached"].values()]
    assert missing == [], "everything is there on that machine"
    assert [row["reached"] for row in found["rows"]] == [row["expected"] for row in found["rows"]]
    assert {who for row in found["rows"] for who in row["reached"]} == set(WHO)


def test_what_nobody_reaches_was_there(found: Mapping[str, Any]) -> None:
    assert found["silent"] == []


def test_the_rules_are_what_keeps_a_preview_from_its_agent(found: Mapping[str, Any]) -> None:
    kept = {Way(**way) for way in found["kept_by_rules"]}
    assert {expected.GATEWAY, expected.DOCKERD, expected.METADATA, expected.PREVIEW_ARP} <= kept
