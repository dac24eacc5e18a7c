"""docs/troubleshooting.md has an entry for each cause, each problem and each exit code."""

import re
from pathlib import Path

from framework import errors
from framework.errors import Fatal
from framework.http_api.http import problems
from prevs.states import Cause

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text()
CAUSES, PROBLEMS, CODES = PAGE.split("\n## Why a preview failed\n")[1].split("\n## ")[:3]


def test_every_cause_of_a_failure_has_an_entry() -> None:
    assert re.findall(r"^### (\S+)$", CAUSES, re.M) == [cause.value for cause in Cause]


def test_every_problem_has_an_entry() -> None:
    entries = re.findall(r"^### (.+?) \{ #problem-", PROBLEMS, re.M)
    documented = {slug for entry in entries for slug in entry.split(", ")}
    kinds = (*vars(problems).values(), *problems._ERRORS.values(), *problems._STATUSES.values())
    known = {kind.slug for kind in kinds if isinstance(kind, problems.Kind)}
    source = (ROOT / "proxy" / "model" / "problems.py").read_text()
    rooms = set(re.findall(r'(?:slug=|Problem\(\s*)"([a-z-]+)",', source))
    for rules in (ROOT / "proxy" / "haproxy").glob("*.j2"):
        rooms |= set(re.findall(r"urn:prevs:problem:([a-z-]+)", rules.read_text()))
    assert {"preview-failed", "no-answer"} <= rooms
    assert documented == known | rooms | {"unavailable"}


def test_every_exit_code_has_an_entry() -> None:
    ways = [way for way in vars(errors).values() if isinstance(way, type)]
    known = {way.exit_code for way in ways if issubclass(way, Fatal)}
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", CODES, re.M)} == known | {0, 2}
