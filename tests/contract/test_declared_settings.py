"""A setting of an app is declared in one file, and everything else follows."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
DECLARED = """\
    greeting: str = setting(
        "", "Greeting", "What the waiting room says first.", longest=80, example="Hello"
    )
    room: str"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """All places that show an app's settings, in a copy of prevs whose apps have one more."""
    copy = tmp_path_factory.mktemp("declared")
    (copy / "prevs").mkdir()
    for path in (*ROOT.iterdir(), *(ROOT / "prevs").iterdir()):
        to = copy / path.relative_to(ROOT)
        if not to.exists() and not path.name.startswith("."):
            to.symlink_to(path)
    apps = copy / "prevs" / "apps.py"
    text = apps.read_text()
    apps.unlink()
    assert text.count("    room: str") == 1
    apps.write_text(text.replace("    room: str", DECLARED))
    printed = subprocess.run(
        [sys.executable, "-m", "tests.contract.shown_settings"],
        cwd=copy,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert printed.returncode == 0, printed.stderr
    # Before it the API may log a request that was slow.
    seen: Mapping[str, Any] = json.loads(printed.stdout.splitlines()[-1])
    return seen


def test_the_record_and_the_api_have_it(found: Mapping[str, Any]) -> None:
    assert '"greeting":""' in found["stored"]
    order, changes, answer = (one["greeting"] for one in found["described"])
    assert order["maxLength"] == changes["maxLength"] == 80
    for one in (order, changes, answer):
        assert one["description"] == "What the waiting room says first."
    assert found["answer"]["greeting"] == ""


def test_the_form_has_it(found: Mapping[str, Any]) -> None:
    assert '<label for="f-greeting">Greeting</label>' in found["form"]
    assert "What the waiting room says first." in found["form"]
    assert found["read from the form"] == {"greeting": "Hello"}


def test_the_command_line_has_it(found: Mapping[str, Any]) -> None:
    for text in found["help"]:
        assert "--greeting TEXT" in text
        assert "What the waiting room says first." in " ".join(text.split())
    assert ["greeting", "Hello"] in found["table"]


def test_the_documentation_has_it(found: Mapping[str, Any]) -> None:
    row = "| `greeting` | `--greeting` | What the waiting room says first. |"
    assert row in found["docs"]
