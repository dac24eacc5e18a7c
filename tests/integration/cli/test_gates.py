"""`prevs gate`, against an API on a real socket."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from click.shell_completion import ShellComplete

from cli.__main__ import prevs
from cli.command_context import CommandContext
from framework.state.snapshot import Behind
from framework.trust import RecordKind, Refused
from prevs.gates import Proposal, Revision, Rule, Target
from prevs.states import State
from tests.fakes.api import Api
from tests.integration.cli.command_runs import Run

pytestmark = pytest.mark.integration

A, B = "a" * 40, "b" * 40
FILE = """
app = "hello"
override = ["header"]
unknown = 400

[[rules]]
path = "/"
to = "main"

[[rules]]
path = "/v2"
to = [{label = "main", weight = 90}, {label = "v1", weight = 10}]
sticky = "cookie"

[[rules]]
path = "/"
when = {header = "X-Version", is = "2"}
to = ["v1"]
"""


@pytest.fixture
def api() -> Api:
    api = Api()
    for label, sha in (("main", A), ("v1", B)):
        api.add("hello", label, sha)
        api.put(State.RUNNING, sha, labels=(label,))
    api.gates.behind = {"api": Behind(0, 3)}
    return api


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "api.toml"
    path.write_text(FILE)
    return str(path)


def test_a_gate_is_written_and_shown(api: Api, run: Run, file: str) -> None:
    done = run("gate", "set", "api", file)
    assert done.status == 0, done.err
    assert "Revision 1 of api is in force at all proxies: http://api.localhost:8080/" in done.err
    rows = [line.split() for line in done.out.splitlines()]
    assert ["/v2", "main", "90", "%,", "v1", "10", "%", "cookie"] in rows
    assert ["/", "header", "x-version=2", "v1"] in rows
    assert ["main", "running", "(aaaaaaa)"] in rows
    assert run("gate", "show", "api").out == done.out
    listed = run("gate", "ls").out
    assert "/ to main, /v2 to main 90 %, v1 10 %, / (header x-version=2) to v1" in listed


def test_what_is_shown_as_json_may_be_written(
    api: Api, run: Run, tmp_path: Path, file: str
) -> None:
    run("gate", "set", "api", file)
    shown = run("gate", "show", "api", "--json").out
    copy = tmp_path / "api.json"
    copy.write_text(shown)
    again = run("gate", "set", "api", str(copy), "--json")
    assert (again.status, json.loads(again.out)) == (0, json.loads(shown))


def test_a_file_of_an_earlier_revision_is_refused_with_the_next_step(
    api: Api, run: Run, tmp_path: Path, file: str
) -> None:
    run("gate", "set", "api", file)
    shown = json.loads(run("gate", "show", "api", "--json").out)
    copy = tmp_path / "api.json"
    copy.write_text(json.dumps({**shown, "keep": True}))
    run("gate", "switch", "api", "v1", "--when", "header X-Version=2", "--dry-run")
    run("gate", "switch", "api", "main", "--when", "header X-Version=2")
    refused = run("gate", "set", "api", str(copy))
    assert refused.status == 1
    assert "has revision 2 by now, written by operator" in refused.err
    assert "`prevs gate show api --json` prints a new FILE" in refused.err
    assert json.loads(run("gate", "show", "api", "--json").out)["keep"] is False
    del shown["revision"]
    copy.write_text(json.dumps({**shown, "keep": True}))
    assert "Revision 3 of api is in force" in run("gate", "set", "api", str(copy)).err
    copy.write_text(json.dumps({**shown, "revision": "3"}))
    assert "must be a number" in run("gate", "set", "api", str(copy)).err


def test_all_mistakes_of_a_file_are_printed(api: Api, run: Run, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(FILE.replace('"/v2"', '"v2"').replace('"main"\n', '"gone"\n'))
    done = run("gate", "set", "api", str(wrong), "--dry-run")
    assert done.status == 2
    assert "rules[1].path: must begin with /" in done.err
    assert "rules[0].to[0].label: 'gone' leads to no commit" in done.err
    wrong.write_text("rules = [")
    assert "FILE is not TOML, nor JSON" in run("gate", "set", "api", str(wrong)).err


def test_a_dry_run_says_that_nothing_has_changed(api: Api, run: Run, file: str) -> None:
    done = run("gate", "set", "api", file, "--dry-run")
    assert done.status == 0
    assert "Nothing has changed; without --dry-run it will." in done.err
    gone = run("gate", "show", "api")
    assert (gone.status, "`prevs gate ls` lists the gates" in gone.err) == (1, True)


def test_a_switch_waits_until_its_target_runs(api: Api, run: Run, file: str) -> None:
    run("gate", "set", "api", file)
    api.add("hello", "v2", "c" * 40)
    waits = run("gate", "switch", "api", "v2", "--path", "/", "--no-wait")
    assert "It waits. `prevs gate show api` shows how far it is." in waits.err
    assert "Revision 2, which is not in force:" in waits.out
    api.put(State.RUNNING, "c" * 40, labels=("v2",))
    done = run("gate", "switch", "api", "v1", "--path", "/v2", "--weight", "30")
    assert done.status == 0, done.err
    assert "main 70 %, v1 30 %" in done.out
    assert "Revision 3 of api is in force at all proxies" in done.err


def test_a_condition_names_the_rule_that_is_switched(api: Api, run: Run, file: str) -> None:
    run("gate", "set", "api", file)
    run("gate", "switch", "api", "main", "--when", "header X-Version=2")
    when = {"header": "X-Version", "is": "2"}
    assert {"path": "/", "label": "main", "when": when} in api.bodies
    wrong = run("gate", "switch", "api", "main", "--when", "header X-Version")
    assert (wrong.status, "is no condition. Write: method POST" in wrong.err) == (2, True)


def test_a_change_that_comes_to_nothing_says_why(api: Api, run: Run, file: str) -> None:
    run("gate", "set", "api", file)
    api.add("hello", "v2", "c" * 40)
    known = api.gates.snapshot.gate("api")
    failed = Proposal(Revision(2, (Rule("/", (Target("v2"),)),)), failure="v2 cannot be built.")

    def save(**fields: Any) -> None:
        api.jobs.records.gates.save(dataclasses.replace(known, **fields))

    api.fail("c" * 40, labels=("v2",))
    refused = run("gate", "switch", "api", "v2")
    assert refused.status == 1
    assert "The gate 'api' stays as it is. v2 (ccccccc) has failed" in refused.err
    save(proposal=failed)
    assert "revision 2 has failed" in run("gate", "ls").out
    assert "v2 cannot be built." in run("gate", "show", "api").err


def test_a_rollback_leads_to_where_it_led_before(api: Api, run: Run, file: str) -> None:
    run("gate", "set", "api", file)
    run("gate", "switch", "api", "v1")
    shown = run("gate", "show", "api")
    assert "`prevs gate rollback api` leads to where revision 1 led." in shown.err
    done = run("gate", "rollback", "api", "--to", "1")
    assert done.status == 0, done.err
    assert "Revision 3 of api is in force" in done.err
    missing = run("gate", "rollback", "api", "--to", "9")
    assert (missing.status, "has no revision 9. It has 2, 1." in missing.err) == (1, True)


def test_a_request_is_tried(api: Api, run: Run, file: str) -> None:
    run("gate", "set", "api", file)
    out = run("gate", "try", "api", "/x?v=2", "-H", "X-Version: 2").out
    assert "v1 (bbbbbbb)" in out
    assert "its header x-version is 2" in out
    assert api.bodies[-1]["query"] == {"v": "2"}
    assert "main 90 %, v1 10 %" in run("gate", "try", "api", "/v2").out
    assert "400" in run("gate", "try", "api", "/", "-H", "X-Version: 3").out
    cookie = run("gate", "try", "api", "/v2", "-b", "prevs-lot=0001", "--json")
    assert json.loads(cookie.out)["label"] == "v1"


def test_a_gate_is_removed(api: Api, run: Run, file: str) -> None:
    run("gate", "set", "api", file)
    asked = run("gate", "rm", "api")
    assert (asked.status, "Remove the gate api of hello?" in asked.err) == (2, True)
    assert "Nothing answers at http://api." in asked.err
    done = run("gate", "rm", "api", "--yes")
    assert (done.status, "The gate api is removed." in done.err) == (0, True)
    assert "There are no gates." in run("gate", "ls").err


def test_what_no_token_has_signed_is_named_with_the_next_step(api: Api, run: Run) -> None:
    api.add("hello", "main")
    for kind in RecordKind:
        api.previews.refused[kind, "hello"] = Refused(kind, "hello", "hello")
    for command in ("gate", "stack"):
        said = run(command, "ls").err
        assert f"{command} 'hello' is stored, but none of the frameworks' tokens" in said
        assert "add the former one as the last line" in said
    assert "Who may look at 'hello' is stored, but" in run("access", "hello").err
    issued = run("share", "hello", "main")
    assert (issued.status, "prevs access hello password" in issued.err) == (1, True)
    doctor = run("doctor", "--json")
    parts = {one["part"]: one["level"] for one in json.loads(doctor.out)}
    assert {parts[f"{kind.value} hello"] for kind in RecordKind} == {"wrong"}


def test_names_of_gates_complete(api: Api, run: Run, file: str) -> None:
    run("gate", "set", "api", file)
    with api.serving() as address:
        environ = {"PREVS_API": address, "PREVS_TOKEN": "a-token-for-tests", "HOME": "/nonexistent"}
        completion = ShellComplete(prevs, {"obj": CommandContext(environ)}, "prevs", "X")
        found = completion.get_completions(["gate", "show"], "a")
    assert [one.value for one in found] == ["api"]
