"""The commands about stacks; those about their variants are in variant_commands.py."""

from typing import IO

import click

from cli.client.generated.records import Stack, StackVariant
from cli.command_context import CommandContext
from cli.commands.sections import Group
from cli.commands.visitors import note_refused
from cli.display.output import note, show, show_json
from cli.names import completion
from cli.names.arguments import as_json, confirm, stack_argument, yes
from cli.stacks import stack_files as files
from cli.stacks import stack_sentences as sentences
from cli.stacks import stack_tables as tables
from cli.stacks import variant_commands
from cli.stacks.variant_names import find_name
from prevs import names


@click.group(cls=Group)
def stack() -> None:
    """Apps that are previewed together: a branch of all of them, at one address."""


@stack.command("set")
@stack_argument
@click.argument("file", type=click.File(encoding="utf-8"))
@click.option("--dry-run", is_flag=True, help="Only print what would be, and all mistakes.")
@as_json
@click.pass_obj
def write(
    context: CommandContext, name: str, file: IO[str], *, dry_run: bool, as_json: bool
) -> None:
    """Make the stack NAME, or replace all of its members, from FILE (- is the standard input).

    FILE is TOML, or the JSON of `prevs stack show --json`. Each member gets an address, and a
    variable with it in all previews of the members' apps. Open variants stay open. Without a
    label, a member is at the main branch of its app; a label may be the name of a branch or tag.

    \b
    Example of a FILE:
      entry = "web"
      [members.web]
      app = "frontend"
      [members.cart]
      app = "cart"
      label = "main"
    """
    written = context.api.write_stack(name, files.read_order(file.read()), dry_run=dry_run)
    if as_json:
        show_json(written)
        return
    _show(context, written)
    note(_tell(written, dry_run=dry_run))


@stack.command("ls")
@click.option("--app", help="Only those with this app.", shell_complete=completion.apps)
@as_json
@click.pass_obj
def list_stacks(context: CommandContext, app: str | None, *, as_json: bool) -> None:
    """List the stacks."""
    found = context.api.list_stacks(app=app).found
    if as_json:
        show_json(found)
    elif found:
        show(tables.stacks(found))
    elif app:
        note(f"{app} is in no stack. `prevs stack ls` lists all.")
    else:
        note("There are no stacks. `prevs stack set --help` shows how to make one.")
    note_refused(context, "stack", app)


@stack.command("show")
@stack_argument
@click.argument("variant", required=False, shell_complete=completion.variants)
@as_json
@click.pass_obj
def show_stack(context: CommandContext, name: str, variant: str | None, *, as_json: bool) -> None:
    """Show the stack NAME: its members, and what its open variants have apart.

    With VARIANT, or the branch that it follows, show where each member is in that, and its state.
    """
    found = context.api.show_stack(name)
    if variant is not None:
        opened = context.api.show_variant(name, find_name(found, variant))
        _show_variant(context, found, opened, as_json=as_json)
    elif as_json:
        show_json(found)
    else:
        _show(context, found)
        if not found["variants"]:
            note(f"No variant is open. `prevs stack open {name} BRANCH` opens one.")


@stack.command("rm")
@stack_argument
@yes
@click.pass_obj
def remove(context: CommandContext, name: str, yes: bool) -> None:
    """Remove the stack NAME: its addresses, its variants, and what runs in these alone.

    The apps and their other previews stay. The command asks for confirmation.
    """
    if not yes:
        found = context.api.show_stack(name)
        confirm(f"Remove the stack {name}?", sentences.describe_removal(found))
    context.api.remove_stack(name)
    note(f"The stack {name} is removed. Its apps stay: `prevs ls` lists what still runs.")


def _show(context: CommandContext, found: Stack) -> None:
    show(tables.details(found, context.now()))
    click.echo()
    show(tables.members(found["members"]))
    if found["variants"]:
        click.echo()
        show(tables.variants(found["variants"], context.now()))


def _tell(written: Stack, *, dry_run: bool) -> str:
    if dry_run:
        return "This is what it would be. Nothing has changed; without --dry-run it will."
    return (
        f"{written['name']} is at {written['url']}. Its members find each other by "
        f"{sentences.list_variables(written)}; running previews get these at their next start. "
        f"`prevs stack open {written['name']} BRANCH` shows a branch of all of them together."
    )


def _show_variant(
    context: CommandContext, stack: Stack, variant: StackVariant, *, as_json: bool
) -> None:
    if as_json:
        show_json(variant)
        return
    show(tables.variant_details(variant, context.now()))
    click.echo()
    show(tables.variant_members(variant["members"]))
    gates = {one["member"]: one["gate"] for one in stack["members"]}
    for one in variant["members"]:
        if one["state"] == "failed":
            own = names.instance_label(variant["name"], gates[one["member"]])
            where = f"{one['app']} {own if one['apart'] else one['label']}"
            note(
                f"{one['member']} has failed: `prevs logs {where}` prints its log, "
                f"`prevs retry {where}` tries again."
            )
    if any(one["apart"] and one["state"] is None for one in variant["members"]):
        note("What is not started starts with the first request to its address.")


for command in variant_commands.COMMANDS:
    stack.add_command(command)

COMMANDS = (stack,)
