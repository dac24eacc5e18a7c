"""A kind of forge is added by one class in one file, and everything else follows."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.contract

ROOT = Path(__file__).parents[2]
KINDS = ["github", "gitlab", "gitea", "pagure", "fifth"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def found() -> Mapping[str, Any]:
    """What follows from a fifth kind."""
    done = run("tests.contract.fifth_forge")
    assert done.returncode == 0, done.stderr
    result: Mapping[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def test_the_api_and_the_command_line_take_it(found: Mapping[str, Any]) -> None:
    assert found["choices"] == [
        ["auto", *KINDS, "none"],
        ["auto", *KINDS, "none"],
        [*KINDS, "none"],
    ]
    assert found["kind by host"] == "fifth"
    assert found["ordered"] == [0, {"forge": "fifth"}, "fifth"]


def test_its_page_offers_it_and_says_what_to_enter_there(found: Mapping[str, Any]) -> None:
    page = found["page"]
    assert '<option value="fifth" selected>Fifth Forge</option>' in page
    assert "At Fifth: Hooks, for hello." in page
    assert "Enter it at the forge" in page
    assert "Fifth Forge: the seal." in page


def test_its_webhooks_are_passed_on_and_authentic(found: Mapping[str, Any]) -> None:
    assert found["delivery"] == [202, 1.0]


def test_the_documentation_has_it(found: Mapping[str, Any]) -> None:
    (row,) = [line for line in found["docs"].splitlines() if "Fifth Forge" in line]
    assert "`fifth`" in row
    assert "`fifth.example.org`" in row


def test_it_passes_the_contract_of_forges() -> None:
    plugin = ("-p", "tests.contract.fifth_double")
    done = run("pytest", *plugin, "-n0", "-q", "-k", "fifth", "tests/contract/test_forges.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
