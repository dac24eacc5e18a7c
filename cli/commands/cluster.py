"""The commands about the cluster's resources: agents, the queue, and pins."""

import click

from cli.command_context import CommandContext
from cli.display import tables
from cli.display.output import note, show, show_json
from cli.display.sentences import title
from cli.names import lookup
from cli.names.arguments import app_argument, as_json, label_argument


@click.command()
@app_argument
@label_argument
@as_json
@click.pass_obj
def pin(context: CommandContext, app: str, label: str, *, as_json: bool) -> None:
    """Keep the preview of LABEL from being stopped.

    It stops neither for being idle nor to make room, until it is unpinned.
    """
    found = lookup.find(context.api, app, label)
    pinned = context.api.pin(app, found["sha"], pinned=True)
    if as_json:
        show_json(pinned)
        return
    note(f"{title(pinned)} is pinned: it stops neither for being idle nor to make room.")
    if pinned["state"] in {"stopped", "failed"}:
        way = "start" if pinned["state"] == "stopped" else "retry"
        note(f"It does not run: `prevs {way} {app} {label}` starts it.")
    else:
        note(f"`prevs unpin {app} {label}` ends that.")


@click.command()
@app_argument
@label_argument
@as_json
@click.pass_obj
def unpin(context: CommandContext, app: str, label: str, *, as_json: bool) -> None:
    """Let the preview of LABEL be stopped when it is idle.

    Or to make room for another one.
    """
    found = lookup.find(context.api, app, label)
    unpinned = context.api.pin(app, found["sha"], pinned=False)
    if as_json:
        show_json(unpinned)
    else:
        note(f"{title(unpinned)} is not pinned; `prevs pin {app} {label}` pins it.")


@click.command("queue")
@as_json
@click.pass_obj
def list_queue(context: CommandContext, *, as_json: bool) -> None:
    """List what waits for an agent, the next first."""
    queued = context.api.queue()
    if as_json:
        show_json(queued)
    elif queued:
        show(tables.queue(queued, context.now()))
        note("`prevs stop APP LABEL` takes one out of it.")
    else:
        note("Nothing waits for an agent. `prevs ls` lists what runs.")


@click.command("agents")
@as_json
@click.pass_obj
def list_agents(context: CommandContext, *, as_json: bool) -> None:
    """List the agents of the cluster, their room and who has it."""
    agents = context.api.agents()
    if as_json:
        show_json(agents)
    elif agents:
        show(tables.agents(agents))
    else:
        note("The cluster has no agents: nothing can start. `prevs doctor` looks at everything.")


COMMANDS = (list_queue, list_agents, pin, unpin)
