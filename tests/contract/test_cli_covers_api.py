"""Each operation of the API has a command, with an option for each field of its order."""

import functools
import json
from collections.abc import Mapping
from typing import Any

import click
import pytest

from cli.__main__ import main, prevs
from cli.jobs.orders import TakesCommand
from framework.access import Scope
from framework.stacks.variants import WrittenVariant
from framework.stacks.written_stack import WrittenStack
from generator.description import is_of_proxies
from prevs.access import Access, AccessRecord, IssuedPass
from prevs.roles import find_role_id
from prevs.stacks import Member
from tests.fakes.answers import SHA
from tests.fakes.api import TOKEN, Api

pytestmark = pytest.mark.contract

_ONE = "/v1/previews/{app}/{sha}"
_JOB = "/v1/apps/{app}/jobs/{id}"
_SCHEDULE = "/v1/apps/{app}/schedules/{name}"
_VARIANT = "/v1/stacks/{name}/variants/{variant}"
JOB_ID = "k4z7q2n5v3w6x2y7"
COMMANDS: Mapping[str, str] = {
    "GET /v1/apps": "app ls",
    "POST /v1/apps": "app add shop /srv/shop",
    "POST /v1/checks": "app check /srv/shop",
    "GET /v1/apps/{app}": "app show hello",
    "PATCH /v1/apps/{app}": "app set hello --mem 64",
    "DELETE /v1/apps/{app}": "app rm hello --yes",
    "GET /v1/apps/{app}/belongings": "app rm hello",
    "GET /v1/apps/{app}/labels/{label}": "show hello main",
    "GET /v1/apps/{app}/refs": "refs hello",
    "GET /v1/apps/{app}/commits": "commits hello main",
    "GET /v1/apps/{app}/data": "data ls hello",
    "POST /v1/apps/{app}/data/reset": "data reset hello main --yes",
    "POST /v1/apps/{app}/data/copy": "data copy hello main old --yes",
    "GET /v1/apps/{app}/pulls": "pulls hello",
    "POST /v1/apps/{app}/pulls/{number}/approval": f"approve hello 7 --commit {SHA}",
    "GET /v1/previews": "ls",
    "POST /v1/previews": "start hello main",
    f"GET {_ONE}": "show hello main",
    f"DELETE {_ONE}": "stop hello main",
    f"POST {_ONE}/retry": "retry hello main",
    f"POST {_ONE}/restart": "restart hello main",
    f"PUT {_ONE}/pin": "pin hello main",
    f"DELETE {_ONE}/pin": "unpin hello main",
    f"GET {_ONE}/attempts": "show hello main",
    f"GET {_ONE}/log": "logs hello main",
    "GET /v1/apps/{app}/environment": "env ls hello",
    "DELETE /v1/apps/{app}/environment": "env unset hello --all --yes",
    "PUT /v1/apps/{app}/environment/{name}": "env set hello old --file /dev/null",
    "PATCH /v1/apps/{app}/environment": "env set hello old=new",
    "DELETE /v1/apps/{app}/environment/{name}": "env unset hello old --yes",
    "GET /v1/apps/{app}/credential": "credential show hello",
    "PUT /v1/apps/{app}/credential": "credential set hello --password-file /dev/null",
    "DELETE /v1/apps/{app}/credential": "credential unset hello --yes",
    "GET /v1/apps/{app}/hooks": "forge hook hello",
    "POST /v1/apps/{app}/hook-secret": "forge hook hello --new",
    "DELETE /v1/apps/{app}/hook-secret": "forge hook hello --off --yes",
    "GET /v1/apps/{app}/access": "access hello",
    "PUT /v1/apps/{app}/access": "access hello password --password-file /dev/null",
    "POST /v1/apps/{app}/access/end": "access hello --end",
    "POST /v1/apps/{app}/passes": "pass add hello ci",
    "DELETE /v1/apps/{app}/passes/{id}": "pass rm hello old --yes",
    "PUT /v1/apps/{app}/forge-token": "forge set hello --token-file /dev/null",
    "DELETE /v1/apps/{app}/forge-token": "forge rm hello --yes",
    "POST /v1/apps/{app}/forge-hook": "forge hook hello",
    "POST /v1/apps/{app}/forge-check": "forge check hello",
    "GET /v1/jobs": "job ls hello",
    "POST /v1/apps/{app}/jobs": "job start hello main -- true",
    "DELETE /v1/apps/{app}/jobs": "job cancel hello --group import-1",
    f"GET {_JOB}": f"job show hello {JOB_ID}",
    f"DELETE {_JOB}": f"job cancel hello {JOB_ID}",
    f"POST {_JOB}/retry": f"job retry hello {JOB_ID}",
    f"GET {_JOB}/result": f"job result hello {JOB_ID}",
    f"GET {_JOB}/log": f"job logs hello {JOB_ID}",
    f"GET {_JOB}/artifacts": f"job artifacts hello {JOB_ID}",
    f"GET {_JOB}/artifacts/{{path}}": f"job get hello {JOB_ID} report.csv",
    "GET /v1/apps/{app}/schedules": "schedule ls hello",
    "POST /v1/apps/{app}/schedule-times": "schedule times hello --every 60",
    f"GET {_SCHEDULE}": "schedule show hello old",
    f"PUT {_SCHEDULE}": "schedule add hello old --label main --every 60 -- true",
    f"DELETE {_SCHEDULE}": "schedule rm hello old --yes",
    f"GET {_SCHEDULE}/times": "schedule times hello old",
    f"PUT {_SCHEDULE}/pause": "schedule pause hello old",
    f"DELETE {_SCHEDULE}/pause": "schedule resume hello old",
    f"POST {_SCHEDULE}/run": "schedule run hello old",
    "GET /v1/gates": "gate ls --app hello",
    "GET /v1/gates/{name}": "gate show old",
    "PUT /v1/gates/{name}": "gate set old /dev/null",
    "DELETE /v1/gates/{name}": "gate rm old --yes",
    "POST /v1/gates/{name}/switch": "gate switch old main",
    "POST /v1/gates/{name}/rollback": "gate rollback old",
    "POST /v1/gates/{name}/try": "gate try old /v1",
    "GET /v1/stacks": "stack ls --app hello",
    "GET /v1/stacks/{name}": "stack show shop",
    "PUT /v1/stacks/{name}": "stack set shop /dev/null",
    "DELETE /v1/stacks/{name}": "stack rm shop --yes",
    "POST /v1/stacks/{name}/variants": "stack open shop main --own web --no-wait",
    f"GET {_VARIANT}": "stack show shop main",
    f"DELETE {_VARIANT}": "stack close shop main --yes",
    f"POST {_VARIANT}/stop": "stack stop shop main",
    f"PUT {_VARIANT}/pin": "stack pin shop main",
    f"DELETE {_VARIANT}/pin": "stack unpin shop main",
    "GET /v1/queue": "queue",
    "GET /v1/agents": "agents",
    "GET /v1/events": "events",
    "GET /v1/apps/{app}/notifications": "notify ls hello",
    "POST /v1/apps/{app}/notifications": "notify add hello https://ci.example.org/",
    "DELETE /v1/apps/{app}/notifications/{name}": "notify rm hello old --yes",
    "POST /v1/apps/{app}/notifications/{name}/test": "notify test hello old",
    "GET /v1/roles": "role ls",
    "POST /v1/roles": "role add --group shop-devs --scope use --app hello",
    "DELETE /v1/roles/{id}": "role rm --group old --yes",
    "GET /v1/tokens": "token ls",
    "POST /v1/tokens": "token add ci --scope use",
    "DELETE /v1/tokens/{name}": "token rm old --yes",
    "GET /v1/audit": "audit",
    "GET /readyz": "doctor",
    "GET /v1/signatures": "gate ls",
}
ONLY_MACHINES = {"GET /healthz"}
"""For supervisors."""
BY_OTHER_NAMES = {
    "ref": "branch",
    "constraints": "constraint",
    "value": "file",
    "variables": "given",
    "secret": "plain",
    "password": "password_file",
    "access": "mode",
    "days": "for",
    "token": "token_file",
    "headers": "header",
    "cookies": "cookie",
    "rules": "file",
    "hosts": "file",
    "keep": "file",
    "override": "file",
    "unknown": "file",
    "entry": "file",
    "on_delete": "file",
    "members": "file",
    "labels": "at",
}
BY_COMMANDS = {
    ("POST /v1/apps/{app}/passes", "kind"),
    ("GET /v1/apps/{app}/commits", "from"),  # these two are for bisect, and job start --commits
    ("GET /v1/apps/{app}/commits", "first_parent"),
    ("POST /v1/gates/{name}/try", "query"),  # it is a part of the path there
    ("PUT /v1/gates/{name}", "app"),  # the file has it
}
"""Fields for whose values there are different commands."""
ONLY_PAGES = {"limit", "after", "offset", "public", "apart"}
"""What the command line cares for by itself."""


@functools.cache
def described() -> Mapping[str, Any]:
    """Return the framework's own description."""
    found: Mapping[str, Any] = Api().app.openapi()
    return found


def operations() -> Mapping[str, Mapping[str, Any]]:
    """Return its operations, each with its description."""
    paths = described()["paths"].items()
    return {
        f"{method.upper()} {path}": detail
        for path, calls in paths
        for method, detail in calls.items()
    }


def find_names(operation: str) -> set[str]:
    """Return the names that an operation takes in its query and its body."""
    operation_detail = operations()[operation]
    query = {one["name"] for one in operation_detail.get("parameters", []) if one["in"] == "query"}
    body = operation_detail.get("requestBody", {}).get("content", {}).get("application/json", {})
    schema = body.get("schema", {}).get("$ref", "").rpartition("/")[2]
    fields = described()["components"]["schemas"].get(schema, {}).get("properties", {})
    return query | set(fields)


def find_options(command: str) -> set[str]:
    """Return the names of a command's options and arguments, as the API writes names."""
    found: click.Command = prevs
    for word in command.split():
        if not isinstance(found, click.Group):
            break
        inner = found.get_command(click.Context(found), word)
        assert inner is not None
        found = inner
    after_dashes = {"command"} if isinstance(found, TakesCommand) else set()
    return after_dashes | {name for one in found.params for name in (one.name, *one.opts) if name}


def test_every_operation_of_the_api_has_a_command() -> None:
    ours = {name for name, one in operations().items() if not is_of_proxies(one)}
    assert ours - ONLY_MACHINES == COMMANDS.keys()


@pytest.mark.parametrize("operation", COMMANDS)
def test_the_command_has_an_option_for_each_field_of_the_operation(operation: str) -> None:
    options = {option.lstrip("-").replace("-", "_") for option in find_options(COMMANDS[operation])}
    wanted = {
        name if name in options else BY_OTHER_NAMES.get(name, name)
        for name in find_names(operation) - ONLY_PAGES
        if (operation, name) not in BY_COMMANDS
    }
    assert wanted <= options


def furnish() -> Api:
    """Return an API that has something for each operation."""
    api = Api()
    api.add("hello", "main")
    api.fail()
    api.tokens.add_token("old", Scope.READ)
    issued = IssuedPass("old", "share", 4e9, "main")
    written = WrittenStack("web", {"web": Member("hello", "main")})
    api.stacks.command(lambda stacks: stacks.write("shop", written, by="ada"))
    main_of_all = WrittenVariant("main", own=("web",))
    api.stacks.command(lambda stacks: stacks.open("shop", main_of_all, ["web"], by="ada"))
    api.previews.access["hello"] = AccessRecord("hello", Access.PASSWORD, 1, {"id1": issued})
    return api


def run(api: Api, command: str) -> int:
    """Run a command, and return its exit status."""
    with api.serving() as address:
        environ = {"PREVS_API": address, "PREVS_TOKEN": TOKEN, "HOME": "/nonexistent"}
        return main(command.split(), environ)


@pytest.mark.parametrize(("operation", "command"), COMMANDS.items())
def test_the_command_calls_that_operation(operation: str, command: str) -> None:
    api = furnish()
    run(api, command)
    method, _, path = operation.partition(" ")
    names: dict[str, object] = {"app": "hello", "sha": SHA, "label": "main", "number": 7}
    names["path"] = "report.csv"
    ids = {"roles": find_role_id(group="old"), "jobs": JOB_ID}
    kind = next((kind for kind in ids if kind in operation), "")
    names |= {"name": "shop" if "/v1/stacks" in operation else "old", "variant": "main"}
    names["id"] = ids.get(kind, "id1")
    assert (method, path.format(**names)) in api.requests, json.dumps(api.requests)


@pytest.mark.parametrize("command", [one for one in COMMANDS.values() if one.endswith(" --yes")])
def test_where_nobody_is_asked_nothing_is_removed_without_yes(command: str) -> None:
    api = furnish()
    assert run(api, command.removesuffix(" --yes")) != 0
    assert {method for method, _ in api.requests} <= {"GET"}
