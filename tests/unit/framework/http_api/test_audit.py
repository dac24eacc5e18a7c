import itertools
import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from framework.access import Identity, Scope
from framework.http_api.admission.audit import FILE, LATEST, OLD_FILES, Audit
from prevs.states import State
from tests.fakes.asgi import ApiInProcess

ADA = Identity("ada", Scope.USE)
SHA = "a" * 40
MakeAudit = Callable[..., Audit]


@pytest.fixture
def make(tmp_path: Path) -> MakeAudit:
    numbers = itertools.count(1)

    def open_audit(**options: int) -> Audit:
        return Audit(tmp_path, lambda: 1000.0, lambda: str(next(numbers)), **options)

    return open_audit


def note(audit: Audit, target: str = "hello", outcome: int | str = 204) -> None:
    audit.note(ADA, "remove app", target, outcome, "10.1.2.3")


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / FILE).read_text("ascii").splitlines()]


def test_an_entry_is_a_line_of_the_file_and_of_the_log(make: MakeAudit, tmp_path: Path) -> None:
    with structlog.contextvars.bound_contextvars(request="r1"), capture_logs() as logs:
        note(make())
    assert lines(tmp_path) == [
        {
            "id": "1",
            "at": 1000.0,
            "who": "ada",
            "scope": "use",
            "action": "remove app",
            "target": "hello",
            "outcome": 204,
            "client": "10.1.2.3",
            "request": "r1",
        }
    ]
    (entry,) = logs
    assert (entry["event"], entry["who"], entry["action"]) == ("audit", "ada", "remove app")


def test_only_the_owner_may_read_the_file(make: MakeAudit, tmp_path: Path) -> None:
    (tmp_path / FILE).touch(0o644)
    note(make(size=300))
    note(make(size=300))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {FILE: 0o600, f"{FILE}.1": 0o600}


@pytest.mark.parametrize("target", ["a\nb", "\x1b[2J", "\u202e", "\ud800", "x" * 5000, '"'])
def test_no_value_adds_a_line(make: MakeAudit, tmp_path: Path, target: str) -> None:
    with capture_logs() as logs:
        note(make(), target)
    assert [line["target"] for line in lines(tmp_path)] == [target[:400]]
    assert logs[0]["target"].isascii()
    assert logs[0]["target"].isprintable()


def test_the_file_and_what_is_in_memory_stay_small(make: MakeAudit, tmp_path: Path) -> None:
    audit = make(size=2000)
    for number in range(LATEST + 1):
        note(audit, str(number))
    assert [entry.target for entry in audit.latest()] == [str(n) for n in range(1, LATEST + 1)]
    assert len(list(tmp_path.iterdir())) == OLD_FILES + 1
    assert all(path.stat().st_size <= 2000 for path in tmp_path.iterdir())


def test_the_latest_entries_are_known_after_a_restart(make: MakeAudit, tmp_path: Path) -> None:
    first = make(size=600)
    for number in range(6):
        note(first, str(number))
    first.close()
    with (tmp_path / FILE).open("ab") as file:
        file.write(b'{"cut\n\xff\n[]\n{"id": "x"}\n')
    left = [json.loads(line)["target"] for line in (tmp_path / f"{FILE}.1").open()]
    assert left
    again = make(size=600)
    assert [entry.target for entry in again.latest()] == [*left, *"012345"[int(left[-1]) + 1 :]]


def test_an_unwritable_file_is_logged_and_stops_nobody(make: MakeAudit, tmp_path: Path) -> None:
    audit = make(size=1)  # every line wants a new file
    (tmp_path / f"{FILE}.{OLD_FILES - 1}").touch()
    (tmp_path / f"{FILE}.{OLD_FILES}").mkdir()
    with capture_logs() as logs:
        note(audit)
    assert [entry["event"] for entry in logs] == ["the audit log cannot be written", "audit"]
    assert [entry.target for entry in audit.latest()] == ["hello"]


def test_every_write_is_noted_with_its_outcome(api: ApiInProcess) -> None:
    api.call("GET", "/v1/apps")
    api.call("POST", "/v1/apps", json={"name": "shop", "repository": "/srv/shop"})
    api.call("POST", "/v1/apps", json={"name": "shop", "repository": "/srv/other"})
    api.call("POST", "/v1/previews", json={"app": "hello", "label": "main"})
    api.call("POST", "/v1/tokens", json={"name": "looks", "scope": "read"})
    api.call("DELETE", "/v1/apps/nothing")
    api.previews.put("hello", SHA, State.FAILED)
    api.call("POST", f"/v1/previews/hello/{SHA}/retry")
    assert api.notes() == [
        ("operator", "add app", "shop", 201),
        ("operator", "add app", "shop", 409),
        ("operator", "start preview", f"hello/{SHA}", 202),
        ("operator", "add token", "looks", 201),
        ("operator", "remove app", "nothing", 404),
        ("operator", "retry preview", f"hello/{SHA}", 202),
    ]
    assert {one.client for one in api.audit.latest()} == {"127.0.0.1"}


def test_a_refused_write_is_noted_with_the_app_and_label_of_its_problem(api: ApiInProcess) -> None:
    api.call("POST", "/v1/previews", json={"app": "hello", "label": "mian"})
    api.call("POST", "/v1/previews", json={"app": "nothing", "label": "main"})
    api.call("POST", "/v1/previews", json={"app": 3})
    assert [(target, outcome) for _, _, target, outcome in api.notes()] == [
        ("hello/mian", 404),
        ("nothing", 404),
        ("", 422),
    ]


def test_a_rejected_token_is_noted_too(api: ApiInProcess) -> None:
    _, token = api.tokens.add_token("looks", Scope.READ)
    for headers in ({"Authorization": f"Bearer {token}"}, {"Authorization": "Bearer x"}, {}):
        api.send("DELETE", "/v1/apps/hello", headers=headers)
        api.send("GET", "/v1/tokens", headers=headers)
    assert api.notes() == [
        ("looks", "remove app", "hello", 403),
        (None, "remove app", "hello", 401),
        (None, "remove app", "hello", 401),
    ]


def test_reports_of_proxies_are_noted_only_if_refused(api: ApiInProcess) -> None:
    report = {"proxy": "p1", "tasks": []}
    assert api.call("POST", "/v1/refusals", json=report).status_code == 204
    assert api.call("POST", "/v1/uses", json={"proxy": "p1", "uses": []}).status_code == 204
    api.send("POST", "/v1/refusals", json=report)
    assert api.notes() == [(None, "report refusals", "", 401)]


def test_the_audit_log_is_shown(api: ApiInProcess) -> None:
    api.call("DELETE", "/v1/apps/a")
    (entry,) = api.call("GET", "/v1/audit").json()["entries"]
    assert (entry["who"], entry["scope"], entry["outcome"]) == ("operator", "admin", 404)
