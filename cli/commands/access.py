"""The commands about access to the API: tokens, roles of people, and the audit log."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import click
from rich.table import Table

from cli.client.generated.records import Role
from cli.command_context import CommandContext
from cli.commands.sections import Group
from cli.display import tables
from cli.display.columns import cell, new_table
from cli.display.output import note, show, show_json
from cli.display.sentences import ago
from cli.names import completion
from cli.names.arguments import as_json, confirm, limit, yes
from cli.names.declared_options import option_of
from prevs.declarations import list_settings
from prevs.roles import RoleRecord, TokenRecord, find_role_id

Command = Callable[..., Any]
_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "scope": {"default": "use", "show_default": True},
    "app": {"shell_complete": completion.apps},
}
"""What the options of tokens and roles have beside what is declared."""


def _options(record: type, names: Collection[str] = ()) -> Callable[[Command], Command]:
    """Return a decorator that adds options of a record to a command: all, or some."""

    def add(command: Command) -> Command:
        for one in reversed(list_settings(record)):
            if not names or one.name in names:
                command = option_of(one, **_OPTIONS.get(one.name, {}))(command)
        return command

    return add


_holder = _options(RoleRecord, ("group", "person", "app"))
"""Adds the options that say whose role it is, and for which app."""


@click.group(cls=Group)
def token() -> None:
    """Create, list and revoke tokens of the API. Needs a token of scope admin.

    The scope read sees everything; use also starts, stops, retries, pins and shares previews; admin
    also changes apps and tokens.
    """


@token.command("add")
@click.argument("name")
@_options(TokenRecord)
@as_json
@click.pass_obj
def add_token(
    context: CommandContext, name: str, *, scope: str, app: str | None, as_json: bool
) -> None:
    """Create the token NAME, and print it. It is never shown again.

    A token for one app sees and changes nothing of other apps or of the cluster.

    \b
    Examples:
      prevs token add ci --scope use --app shop
      PREVS_TOKEN="$(prevs token add dashboard --scope read)"
    """
    made = context.api.add_token({"name": name, "scope": scope, **({"app": app} if app else {})})
    if as_json:
        show_json(made)
    else:
        click.echo(made["token"])
    note("Save it now: it is not shown again. Commands use the token in PREVS_TOKEN.")
    note(f"`prevs token rm {name}` revokes it.")


@token.command("ls")
@as_json
@click.pass_obj
def list_tokens(context: CommandContext, *, as_json: bool) -> None:
    """List the tokens, except those of the operator and of proxies."""
    tokens = context.api.list_tokens().found
    if as_json:
        show_json(tokens)
    elif tokens:
        show(tables.tokens(tokens, context.now()))
    else:
        note("There is only the operator's token. `prevs token add NAME` creates another.")


@token.command("rm")
@click.argument("name", shell_complete=completion.tokens)
@yes
@click.pass_obj
def remove_token(context: CommandContext, name: str, yes: bool) -> None:
    """Revoke the token NAME at once. The command asks for confirmation."""
    if not yes:
        for found in (one for one in context.api.list_tokens().found if one["name"] == name):
            may = f"It has the scope {found['scope']} for {found.get('app') or 'all apps'}."
            confirm(f"Revoke the token {name}?", f"{may} Whoever uses it is refused at once.")
    context.api.remove_token(name)
    note(f"The token {name} is revoked.")


@click.group(cls=Group)
def role() -> None:
    """Give, list and take roles: what people may do who sign in. Needs a token of scope admin.

    A role is for a group of the identity provider or for one person, and for one app or for all.
    Whoever has a role for an app is of its team.
    """


@role.command("add")
@_options(RoleRecord)
@as_json
@click.pass_obj
def add_role(context: CommandContext, /, *, as_json: bool, **wanted: str | None) -> None:
    """Give a role to a group or to a person.

    A former role of theirs for the same app, or for all, is replaced.

    \b
    Examples:
      prevs role add --group shop-devs --app shop
      prevs role add --person ada --scope admin
    """
    _check(wanted["group"], wanted["person"])
    given = context.api.add_role({name: value for name, value in wanted.items() if value})
    if as_json:
        show_json(given)
        return
    note(f"{_name(given)} has the scope {given['scope']} for {given['app'] or 'all apps'}.")


@role.command("ls")
@as_json
@click.pass_obj
def list_roles(context: CommandContext, *, as_json: bool) -> None:
    """List the roles of groups and people."""
    listed = context.api.list_roles().found
    if as_json:
        show_json(listed)
    elif listed:
        show(_tabulate_roles(listed, context.now()))
    else:
        note("Nobody has a role: whoever signs in may do nothing. `prevs role add` gives one.")


@role.command("rm")
@_holder
@yes
@click.pass_obj
def remove_role(
    context: CommandContext, *, group: str | None, person: str | None, app: str | None, yes: bool
) -> None:
    """Take a role away, at once and also from those who have signed in.

    The command asks for confirmation.

    \b
    Examples:
      prevs role rm --group shop-devs --app shop
    """
    _check(group, person)
    if not yes:
        holder = f"the group {group}" if group else person
        confirm(
            f"Take the role for {app or 'all apps'} away from {holder}?",
            "Those who have signed in lose it at once, too.",
        )
    context.api.remove_role(find_role_id(group=group or "", person=person or "", app=app or ""))
    note(f"The role is taken away{f' for {app}' if app else ''}.")


def _check(group: str | None, person: str | None) -> None:
    if bool(group) == bool(person):
        raise click.UsageError("Name the holder: either --group or --person.")


def _name(given: Role) -> str:
    return f"The group {given['group']}" if given["group"] else str(given["person"])


@click.command("audit")
@limit(100)
@as_json
@click.pass_obj
def list_audit(context: CommandContext, *, limit: int, as_json: bool) -> None:
    """List who did what, the latest last.

    It covers the API and the dashboard. With --json the latest is first. Needs a token of scope
    admin.
    """
    listed = context.api.show_audit(limit=limit)
    if as_json:
        show_json(listed.found)
    elif listed.found:
        show(tables.audit(listed.found[::-1]))
        if listed.more:
            note(f"There are more: --limit {limit * 4} lists them.")
    else:
        note("The audit log has no entries yet.")


def _tabulate_roles(listed: Iterable[Role], now: float) -> Table:
    """Return a row for each role."""
    table = new_table("HOLDER", "NAME", "SCOPE", "APP", "GIVEN")
    for one in listed:
        kind = "group" if one["group"] else "person"
        cells = [kind, one["group"] or one["person"], one["scope"], one["app"] or "all"]
        table.add_row(*map(cell, [*cells, ago(one["created"], now)]))
    return table


COMMANDS = (token, role, list_audit)
