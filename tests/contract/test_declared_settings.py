"""A setting of an app, a job, a schedule, a gate or a role is declared once; all else follows."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.contract import changed_copy

DECLARED = """\
    greeting: str = setting(
        "", "Greeting", "What the waiting room says first.", longest=80, example="Hello"
    )
    room: str"""
OF_JOBS = """\
    patience: int = setting(
        3, "Patience", "How often it asks before it gives up.", least=1, most=9, is_lowered=True,
        file_examples=["5"],
    )
    retries: int"""
OF_SCHEDULES = """\
    margin: int = setting(
        0, "Margin", "How long it waits for a quiet minute.", least=0, most=90, unit="seconds",
        file_examples=["30"],
    )
    overlap: Overlap"""
OF_GATES = """\
    quiet: bool = setting(False, "Quiet", "Whether it says nothing.")
    on_delete: OnDelete = setting"""
OF_ROLES = """\
    note: str = setting("", "Note", "Why they have it.", is_left_out=True)
    person: str"""
DECLARATIONS = {
    "apps.py": DECLARED,
    "job_settings.py": OF_JOBS,
    "schedules.py": OF_SCHEDULES,
    "gates.py": OF_GATES,
    "roles.py": OF_ROLES,
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """All places that show settings, in a copy of prevs where each declaration has one more."""
    copy = tmp_path_factory.mktemp("declared")
    changed_copy.link(
        copy,
        {
            Path("prevs", name): {declared.splitlines()[-1]: declared}
            for name, declared in DECLARATIONS.items()
        },
    )
    return changed_copy.read(copy, "tests.contract.shown_settings")


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


def test_a_term_of_a_job_is_in_its_order_and_its_table(found: Mapping[str, Any]) -> None:
    term = found["job order"]["patience"]
    bound = "With the scope `use`, at most what the commit has."
    assert term["description"] == f"How often it asks before it gives up. {bound}"
    (number, _) = term["anyOf"]
    assert (number["minimum"], number["maximum"]) == (1, 9)
    assert found["job as a file has it"] == {"patience": 5}
    row = (
        "How often it asks before it gives up. Default: 3. `patience = 5` | whole number, 1 to 9 |"
    )
    assert row in found["keys"]


def test_a_term_of_a_job_is_in_the_command_line(found: Mapping[str, Any]) -> None:
    assert "--patience INTEGER" in found["run"]
    assert "How often it asks before it gives up." in " ".join(found["run"].split())


def test_a_setting_of_a_schedule_is_in_the_record_the_api_and_the_file(
    found: Mapping[str, Any],
) -> None:
    assert '"margin":30' in found["stored schedule"]
    order, answer, times = found["schedule described"]
    assert (order["minimum"], order["maximum"], order["default"]) == (0, 90, 0)
    for one in (order, answer):
        assert one["description"] == "How long it waits for a quiet minute."
    assert times is None
    assert found["schedule"]["margin"] == 30
    assert found["schedule as a file has it"] == 30


def test_a_setting_of_a_schedule_is_in_the_command_line_and_the_docs(
    found: Mapping[str, Any],
) -> None:
    assert "--margin SECONDS" in found["schedule add"]
    assert "How long it waits for a quiet minute." in " ".join(found["schedule add"].split())
    names, values = found["schedule table"]
    assert values[names.index("margin")] == "30 s"
    row = (
        "How long it waits for a quiet minute. Default: 0. `margin = 30` | whole number, 0 to 90 |"
    )
    assert row in found["keys"]
    assert "| `--margin SECONDS` | How long it waits for a quiet minute. |" in found["commands"]


def test_a_setting_of_a_gate_waits_and_holds_with_the_others(found: Mapping[str, Any]) -> None:
    assert {one["description"] for one in found["gate described"]} == {"Whether it says nothing."}
    assert (found["gate proposed"], found["gates"]) == (True, [False, True])
    assert '"quiet":true' in found["stored gate"]


def test_a_setting_of_a_role_is_in_the_record_the_api_and_the_command_line(
    found: Mapping[str, Any],
) -> None:
    assert {one["description"] for one in found["role described"]} == {"Why they have it."}
    assert '"note":"on call"' in found["stored role"]
    assert found["role"]["note"] == "on call"
    assert "--note TEXT" in found["role add"]
