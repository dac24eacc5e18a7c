"""Roles of people, on a real socket."""

import json

import pytest

from prevs.roles import RoleRecord
from tests.fakes.api import Api
from tests.integration.cli.command_runs import Run

pytestmark = pytest.mark.integration


def test_a_role_is_given_shown_and_taken_away(api: Api, run: Run) -> None:
    assert "prevs role add" in run("role", "ls").err
    given = run("role", "add", "--group", "org/größe team", "--app", "hello")
    assert (given.status, given.out) == (0, "")
    assert "The group org/größe team has the scope use for hello." in given.err
    added = run("role", "add", "--person", "ada", "--scope", "admin", "--json")
    assert json.loads(added.out)["person"] == "ada"
    table = run("role", "ls").out.splitlines()
    assert [line.split()[:2] for line in table] == [
        ["HOLDER", "NAME"],
        ["person", "ada"],
        ["group", "org/größe"],
    ]
    assert len(json.loads(run("role", "ls", "--json").out)) == 2
    assert run("role", "rm", "--group", "org/größe team", "--app", "hello", "-y").status == 0
    assert [role.person for role in api.previews.roles.values()] == ["ada"]


def test_a_role_of_another_app_or_holder_is_not_taken_away(api: Api, run: Run) -> None:
    role = RoleRecord("use", group="devs", app="hello")
    api.previews.roles[role.id] = role
    for args in (("--group", "devs"), ("--person", "devs", "--app", "hello")):
        done = run("role", "rm", *args, "--yes")
        assert done.status == 1
        assert "prevs role ls" in done.err
    assert api.previews.roles


@pytest.mark.parametrize("holder", [(), ("--group", "a", "--person", "b")])
def test_a_role_has_one_holder(run: Run, holder: tuple[str, ...]) -> None:
    for command in ("add", "rm"):
        done = run("role", command, *holder)
        assert done.status == 2
        assert "--group or --person" in done.err
