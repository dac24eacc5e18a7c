"""The commands about the cluster's resources: agents, the queue, and pins."""

import contextlib
from typing import TYPE_CHECKING

import click

from cli.command_context import CommandContext
from cli.display import tables
from cli.display.output import note, show, show_json
from cli.display.sentences import describe_too_large, title
from cli.errors import CliError
from cli.names import lookup
from cli.names.arguments import app_argument, as_json, label_argument

if TYPE_CHECKING:
    from cli.client.api import Api


def warn_of_size(api: "Api", cpus: float | None, mem: float | None) -> None:
    """Warn of CPUs or memory (MB) that no agent has; None: it is not known, or not asked for.

    Says nothing if the agents cannot be read: what was asked for is done.
    """
    if not (cpus or mem):
        return
    with contextlib.suppress(CliError):
        if warning := describe_too_large(cpus or 0.0, mem or 0.0, api.list_agents().found):
            note(warning)


@click.command()
@app_argument
@label_argument
@as_json
@click.pass_obj
def pin(context: CommandContext, app: str, label: str, *, as_json: bool) -> None:
    """Keep prevs from stopping the preview of LABEL.

    A pinned preview stops neither when it is idle nor to make room for another one.
    """
    found = lookup.find(context.api, app, label)
    pinned = context.api.pin_preview(app, found["sha"])
    if as_json:
        show_json(pinned)
        return
    note(f"{title(pinned)} is pinned: it stops neither when it is idle nor to make room.")
    if pinned["state"] in {"stopped", "failed"}:
        way = "start" if pinned["state"] == "stopped" else "retry"
        note(f"It does not run: `prevs {way} {app} {label}` starts it.")
    else:
        note(f"`prevs unpin {app} {label}` unpins it.")


@click.command()
@app_argument
@label_argument
@as_json
@click.pass_obj
def unpin(context: CommandContext, app: str, label: str, *, as_json: bool) -> None:
    """Let prevs stop the preview of LABEL again.

    It may stop when it is idle, or to make room for another one.
    """
    found = lookup.find(context.api, app, label)
    unpinned = context.api.unpin_preview(app, found["sha"])
    if as_json:
        show_json(unpinned)
    else:
        note(f"{title(unpinned)} is not pinned. `prevs pin {app} {label}` pins it.")


@click.command("queue")
@as_json
@click.pass_obj
def list_queue(context: CommandContext, *, as_json: bool) -> None:
    """List the previews that wait for an agent, the next first."""
    queued = context.api.show_queue().found
    if as_json:
        show_json(queued)
    elif queued:
        show(tables.queue(queued, context.now()))
        note("`prevs stop APP LABEL` removes one from the queue.")
    else:
        note("No preview waits for an agent. `prevs ls` lists all previews.")


@click.command("agents")
@as_json
@click.pass_obj
def list_agents(context: CommandContext, *, as_json: bool) -> None:
    """List the agents of the cluster, their resources, and the previews on them."""
    agents = context.api.list_agents().found
    if as_json:
        show_json(agents)
    elif agents:
        show(tables.agents(agents))
    else:
        note("The cluster has no agents, so nothing can start. `prevs doctor` checks every part.")


COMMANDS = (list_queue, list_agents, pin, unpin)
