"""The commands about gates."""

from collections.abc import Callable
from typing import IO, Any, TypeVar

import click

from cli.client.generated.records import Gate
from cli.command_context import CommandContext
from cli.commands.sections import Group
from cli.commands.visitors import note_refused
from cli.display.output import note, show, show_json
from cli.gates import gate_files as files
from cli.gates import gate_tables as tables
from cli.gates.gate_sentences import describe_removal
from cli.gates.propagation import await_proxies
from cli.names import completion
from cli.names.arguments import as_json, confirm, read_pairs, yes
from prevs import names

Command = TypeVar("Command", bound=Callable[..., Any])

_name = click.argument("name", shell_complete=completion.gates)
_WAYS = (
    click.option("--dry-run", is_flag=True, help="Only print what would be, and all mistakes."),
    click.option(
        "--force", is_flag=True, help="Do not wait until what it leads to runs: change it at once."
    ),
    click.option("--no-wait", is_flag=True, help="Do not wait until the change is in force."),
    as_json,
)


def _ways(command: Command) -> Command:
    """Add the options of everything that changes a gate."""
    for option in reversed(_WAYS):
        command = option(command)
    return command


@click.group(cls=Group)
def gate() -> None:
    """Stable addresses whose rules choose a version for each request."""


@gate.command("set")
@_name
@click.argument("file", type=click.File(encoding="utf-8"))
@_ways
@click.pass_obj
def write(
    context: CommandContext,
    /,
    name: str,
    file: IO[str],
    *,
    dry_run: bool,
    force: bool,
    **ways: bool,
) -> None:
    """Make the gate NAME, or write all of its rules anew, from FILE (- is the standard input).

    FILE is TOML, or the JSON of `prevs gate show --json`. What its rules lead to is started first;
    until that runs, the gate stays as it is. With `revision` in it, as `show` prints it, FILE is
    refused if somebody has written another one since.

    \b
    Example of a FILE:
      app = "shop"
      [[rules]]
      path = "/"
      to = "main"
      [[rules]]
      path = "/v2"
      to = [{label = "main", weight = 90}, {label = "pr-7", weight = 10}]
      [[rules]]
      path = "/"
      when = {header = "X-Api-Version", is = "2015-03-27"}
      to = "v1"
    """
    order, seen = files.read_order(file.read())
    tag = None if seen is None else f'"{seen}"'
    changed = context.api.write_gate(name, order, if_match=tag, dry_run=dry_run, force=force)
    _report(context, changed, dry_run=dry_run, **ways)


@gate.command("ls")
@click.option("--app", help="Only those of this app.", shell_complete=completion.apps)
@as_json
@click.pass_obj
def list_gates(context: CommandContext, app: str | None, *, as_json: bool) -> None:
    """List the gates."""
    found = context.api.list_gates(app=app).found
    if as_json:
        show_json(found)
    elif found:
        show(tables.gates(found, context.now()))
    else:
        note("There are no gates. `prevs gate set --help` shows how to make one.")
    note_refused(context, "gate", app)


@gate.command("show")
@_name
@as_json
@click.pass_obj
def show_gate(context: CommandContext, name: str, *, as_json: bool) -> None:
    """Show the gate NAME: its rules, what they lead to, what waits, and earlier revisions."""
    found = context.api.show_gate(name)
    if as_json:
        show_json(found)
        return
    _show(context, found)
    if stack := found.get("stack"):
        note(f"It follows from the stack {stack}: `prevs stack show {stack}` shows that.")
    if found["earlier"]:
        click.echo()
        show(tables.revisions(found["earlier"], context.now()))
        note(
            f"`prevs gate rollback {name}` leads to where revision "
            f"{found['earlier'][0]['revision']} led."
        )


@gate.command("switch")
@_name
@click.argument("label")
@click.option("--path", default="/", show_default=True, help="The path of the rule.")
@click.option("--when", metavar="CONDITION", help="The rule's condition: 'header X-Version=2'.")
@click.option(
    "--weight",
    type=float,
    metavar="PERCENT",
    help="Lead so many of 100 clients to LABEL, and the rest to the rule's first target.",
)
@_ways
@click.pass_obj
def switch(
    context: CommandContext,
    /,
    name: str,
    label: str,
    *,
    path: str,
    when: str | None,
    weight: float | None,
    dry_run: bool,
    force: bool,
    **ways: bool,
) -> None:
    """Let one rule of the gate NAME lead to LABEL, as soon as that runs.

    \b
    Examples:
      prevs gate switch api main
      prevs gate switch api pr-7 --path /v2 --weight 10
    """
    order: files.Order = {"path": path, "label": names.slug(label)}
    if when is not None:
        order["when"] = files.read_condition(when)
    if weight is not None:
        order["weight"] = weight
    changed = context.api.switch_gate(name, order, dry_run=dry_run, force=force)
    _report(context, changed, dry_run=dry_run, **ways)


@gate.command("rollback")
@_name
@click.option(
    "--to",
    "revision",
    type=click.IntRange(min=1),
    metavar="REVISION",
    help="To this one. Without it, to what was before the last change.",
)
@_ways
@click.pass_obj
def roll_back(
    context: CommandContext,
    /,
    name: str,
    *,
    revision: int | None,
    dry_run: bool,
    force: bool,
    **ways: bool,
) -> None:
    """Let the gate NAME lead where an earlier revision led: to the commits of then.

    If a change waits, that is given up.
    """
    changed = context.api.roll_back_gate(name, {"revision": revision}, dry_run=dry_run, force=force)
    _report(context, changed, dry_run=dry_run, **ways)


@gate.command("try")
@_name
@click.argument("path", default="/")
@click.option("--method", "-X", default="GET", show_default=True, help="The request's method.")
@click.option("--header", "-H", multiple=True, metavar="NAME:VALUE", help="A header of it.")
@click.option("--cookie", "-b", multiple=True, metavar="NAME=VALUE", help="A cookie of it.")
@click.option(
    "--lot", type=click.IntRange(0, 9999), help="The client's number, which decides by weights."
)
@as_json
@click.pass_obj
def try_request(
    context: CommandContext,
    name: str,
    path: str,
    *,
    method: str,
    header: tuple[str, ...],
    cookie: tuple[str, ...],
    lot: int | None,
    as_json: bool,
) -> None:
    """Print where a request to the gate NAME would go, and why. PATH may have a query.

    \b
    Example:
      prevs gate try api "/v2/items?v=2" -H "X-Api-Version: 2015-03-27"
    """
    asked, query = files.read_path(path)
    order: files.Order = {
        "method": method.upper(),
        "path": asked,
        "query": query,
        "headers": read_pairs("--header", header, "NAME:VALUE"),
        "cookies": read_pairs("--cookie", cookie, "NAME=VALUE"),
        "lot": lot,
    }
    answer = context.api.try_gate(name, order)
    if as_json:
        show_json(answer)
    else:
        show(tables.tried(answer))


@gate.command("rm")
@_name
@yes
@click.pass_obj
def remove(context: CommandContext, name: str, yes: bool) -> None:
    """Remove the gate NAME: nothing is at its addresses any more. Previews stay.

    The command asks for confirmation.
    """
    if not yes:
        found = context.api.show_gate(name)
        if not found.get("stack"):  # else it is refused, and the answer says why
            confirm(f"Remove the gate {name} of {found['app']}?", describe_removal(found))
    context.api.remove_gate(name)
    note(f"The gate {name} is removed. `prevs ls` lists what still runs.")


def _report(
    context: CommandContext, changed: Gate, *, dry_run: bool, no_wait: bool, as_json: bool
) -> None:
    """Wait for a change, and print the gate."""
    found = changed if dry_run or no_wait else await_proxies(context, changed)
    if as_json:
        show_json(found)
        return
    _show(context, found)
    note(_tell(found, dry_run=dry_run))


def _show(context: CommandContext, found: Gate) -> None:
    show(tables.details(found, context.now()))
    if found["rules"]:
        click.echo()
        show(tables.rules(found["rules"]))
        click.echo()
        show(tables.leads(found["leads"]))
    if variants := found.get("variants"):
        click.echo()
        show(tables.variants(variants))
    if proposal := found["proposal"]:
        click.echo()
        click.echo(f"Revision {proposal['revision']}, which is not in force:")
        show(tables.rules(proposal["rules"]))
        click.echo()
        show(tables.leads(proposal["awaits"]))
        if proposal["failure"]:
            note(proposal["failure"])


def _tell(found: Gate, *, dry_run: bool) -> str:
    name, proposal = found["name"], found["proposal"]
    if dry_run:
        what = "This is what it would be" if proposal else "This would be in force at once"
        return f"{what}. Nothing has changed; without --dry-run it will."
    if proposal is not None:
        return f"It waits. `prevs gate show {name}` shows how far it is."
    where = f"Revision {found['revision']} of {name} is in force"
    if found["behind"] == 0:
        return f"{where} at all proxies: {found['url']}"
    return (
        f"{where}, but not every proxy has said so: {found['url']} "
        f"`prevs gate show {name}` shows how many are behind."
    )


COMMANDS = (gate,)
