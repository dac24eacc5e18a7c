"""A kind of event is declared in one file, and everything else follows."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.contract import changed_copy

WHEN = "a meal of the app is ready"
LUNCH = f"""\
LUNCH = EventKind("lunch", "{WHEN}", "The name of the dish")
CALLBACK = EventKind("""
TYPES = "TYPES = (APP, JOB, SCHEDULE, GATE, STACK, LUNCH)"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """All places that show kinds of events, in a copy of prevs with one more."""
    copy = tmp_path_factory.mktemp("declared")
    texts = {LUNCH.splitlines()[-1]: LUNCH, TYPES.replace(", LUNCH", ""): TYPES}
    changed_copy.link(copy, {Path("prevs/event_kinds.py"): texts})
    return changed_copy.read(copy, "tests.contract.shown_event_kinds")


def test_a_receiver_may_choose_it(found: Mapping[str, Any]) -> None:
    assert found["refused"] is None
    assert found["wanted"] is True
    events, _null = found["schemas"]["ReceiverOrder"]["properties"]["events"]["anyOf"]
    assert "lunch" in events["items"]["enum"]
    described = found["schemas"]["ReceiverOrder"]["properties"]["events"]["description"]
    assert f"`lunch`: {WHEN}." in described


def test_an_event_has_its_type_and_its_subject(found: Mapping[str, Any]) -> None:
    properties = found["schemas"]["Event"]["properties"]
    assert "lunch" in properties["type"]["enum"]
    assert properties["lunch"]["description"].startswith("The name of the dish; null unless")
    assert WHEN in properties["lunch"]["description"]
    assert (found["sent"]["type"], found["sent"]["lunch"]) == ("lunch", "soup")
    assert found["test"].keys() == found["sent"].keys()


def test_the_generated_client_has_it(found: Mapping[str, Any]) -> None:
    _, _, event = found["records"].partition("class Event(TypedDict):")
    fields = event.partition("class ")[0]
    assert '"stack", "lunch"]' in fields
    assert "lunch: NotRequired[str | None]" in fields


def test_the_command_line_has_it(found: Mapping[str, Any]) -> None:
    assert "stack, lunch, callback." in " ".join(found["help"].split())
    assert found["completed"] == [["pin,lunch", WHEN]]


def test_the_documentation_has_it(found: Mapping[str, Any]) -> None:
    assert f"| `lunch` | {WHEN}. |" in found["docs"]
