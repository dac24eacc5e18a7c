"""/v1/apps/{app}/data: the data of branches."""

import pytest

from prevs.records import DataPlace
from prevs.states import State
from tests.fakes.asgi import ApiInProcess, refusal

A, B = "a" * 40, "b" * 40
DATA = "/v1/apps/hello/data"


@pytest.fixture
def api(api: ApiInProcess) -> ApiInProcess:
    main = {"main": DataPlace("agent-1", "10.0.0.5", 50.0, began=40.0)}
    both = {**main, "fix": DataPlace("agent-1", "10.0.0.5", 70.0, began=60.0)}
    api.previews.put("hello", A, State.STOPPED, last_used=90.0, data_places=main)
    api.previews.put("hello", B, State.RUNNING, last_used=80.0, data="fix", data_places=both)
    return api


def test_the_data_of_branches_are_listed_with_who_had_them_last(api: ApiInProcess) -> None:
    later = DataPlace("agent-2", "10.0.0.6", 85.0, began=84.0)
    api.previews.change("hello", A, data_places={"main": later})
    fix, main = api.call("GET", DATA).json()["data"]
    assert fix == {
        "branch": "fix",
        "agent": "10.0.0.5",
        "commit": B,
        "used": 80.0,
        "began": 60.0,
        "running": True,
        "begins_with": "",
    }
    assert (main["agent"], main["commit"], main["used"], main["running"]) == (
        "10.0.0.6",
        A,
        90.0,
        False,
    )


def test_data_that_were_reset_are_nowhere_and_what_has_them_starts_again(
    api: ApiInProcess,
) -> None:
    assert api.call("POST", f"{DATA}/reset", json={"branch": "fix"}).status_code == 204
    fix, _ = api.call("GET", DATA).json()["data"]
    assert (fix["agent"], fix["began"], fix["begins_with"]) == ("", None, "")
    preview = api.previews.known["hello", B]
    assert (preview.starts_again, preview.reason) == (
        True,
        "It starts again with new data: somebody has reset those it had.",
    )


def test_a_copy_is_made_at_the_next_start(api: ApiInProcess) -> None:
    order = {"source": "main", "target": "fix"}
    assert api.call("POST", f"{DATA}/copy", json=order).status_code == 204
    fix, main = api.call("GET", DATA).json()["data"]
    assert (fix["agent"], fix["begins_with"], main["agent"]) == ("", "main", "10.0.0.5")


@pytest.mark.parametrize(
    ("call", "order", "problem"),
    [
        ("reset", {"branch": "gone"}, (404, "unknown-data")),
        ("copy", {"source": "gone", "target": "fix"}, (404, "unknown-data")),
        ("copy", {"source": "main", "target": "gone"}, (404, "unknown-data")),
        ("copy", {"source": "main", "target": "main"}, (409, "copy-of-itself")),
        ("reset", {"branch": ""}, (422, "invalid-settings")),
    ],
)
def test_what_cannot_be_is_refused(
    api: ApiInProcess, call: str, order: dict[str, str], problem: tuple[int, str]
) -> None:
    assert refusal(api.call("POST", f"{DATA}/{call}", json=order)) == problem
