"""The commands for notifications: where an app's events are sent."""

from typing import IO

import click

from cli.client.generated import choices
from cli.command_context import CommandContext
from cli.commands.secrets import read_value
from cli.commands.sections import Group
from cli.display import receiver_table
from cli.display.output import note, show, show_json
from cli.errors import NotDone
from cli.names import completion
from cli.names.arguments import app_argument, as_json, confirm, yes
from prevs import event_kinds

_name = click.argument("name", shell_complete=completion.receivers)


@click.group(cls=Group)
def notify() -> None:
    """Send an app's events to an address: a program of yours, Slack, Mattermost."""


@notify.command("add")
@app_argument
@click.argument("url", required=False)
@click.option("--url-file", type=click.File("rb"), help="Read the address from this file.")
@click.option("--name", help="A name for it; without, it is the host of the address.")
@click.option(
    "--events",
    default="all",
    show_default=True,
    metavar="KINDS",
    shell_complete=completion.event_kinds,
    help=f"The kinds of events, separated by commas: {', '.join(event_kinds.NAMES)}.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(choices.ADD_RECEIVER_FORMAT),
    default="prevs",
    show_default=True,
    help="prevs: the event as JSON. slack: a message, for Mattermost too.",
)
@as_json
@click.pass_obj
def add_receiver(
    context: CommandContext,
    app: str,
    *,
    url: str | None,
    url_file: IO[bytes] | None,
    name: str | None,
    events: str,
    form: str,
    as_json: bool,
) -> None:
    """Send the events of APP to URL, and print their signing secret.

    URL is asked for if it is not given: an address of Slack is a secret, and others on this machine
    can see arguments. The framework's operator allows hosts with PREVS_NOTIFY_HOSTS. Needs a token
    of scope admin.

    \b
    Examples:
      prevs notify add shop https://ci.example.org/prevs
      prevs notify add shop --format slack --events failed,running    # asks for the address
      prevs notify add shop https://ci.example.org/jobs --name ci --events callback
    """
    if url and url_file:
        raise click.UsageError("Give the address once: as URL or by --url-file.")
    kinds = [one.strip() for one in events.split(",") if one.strip()]
    order: dict[str, object] = {
        "url": url or read_value(url_file, "Address").strip(),
        "format": form,
        "events": None if kinds in ([], ["all"]) else kinds,
        "name": name,
    }
    made = context.api.add_receiver(app, order)
    if as_json:
        show_json(made)
    else:
        click.echo(made["secret"])
    note("Save the secret now: it is not shown again. Slack and Mattermost need none.")
    note(f"`prevs notify test {app} {made['name']}` sends a test.")


@notify.command("ls")
@app_argument
@as_json
@click.pass_obj
def list_receivers(context: CommandContext, app: str, *, as_json: bool) -> None:
    """List the receivers of APP, each with its last answer."""
    found = context.api.list_receivers(app)["receivers"]
    if as_json:
        show_json(found)
    elif found:
        show(receiver_table.receivers(found, context.now()))
    else:
        note(f"{app} has no receivers. `prevs notify add {app} URL` adds one.")


@notify.command("rm")
@app_argument
@_name
@yes
@click.pass_obj
def remove_receiver(context: CommandContext, app: str, name: str, yes: bool) -> None:
    """Send nothing more to the receiver NAME of APP. The command asks for confirmation."""
    if not yes:
        confirm(
            f"Send nothing more of {app} to {name}?",
            "Its signing secret goes too: if you add the receiver again, it gets a new secret.",
        )
    context.api.remove_receiver(app, name)
    note(f"Removed the receiver {name} of {app}.")


@notify.command("test")
@app_argument
@_name
@as_json
@click.pass_obj
def test_receiver(context: CommandContext, app: str, name: str, *, as_json: bool) -> None:
    """Send a test to the receiver NAME of APP, and show its answer."""
    last = context.api.test_receiver(app, name)
    if as_json:
        show_json(last)
    if last["problem"]:
        raise NotDone(last["problem"], f"`prevs notify ls {app}` shows the last answer, too.")
    if not as_json:
        note(receiver_table.describe_try(last))


COMMANDS = (notify,)
"""The commands in groups, as `prevs --help` shows them."""
