"""The commands about who gets room on the agents: pins, and the queue of those that wait."""

import click

from cli import lookup, tables
from cli.app_commands import as_json
from cli.output import note, show, show_json
from cli.preview_commands import app_argument, label_argument
from cli.sentences import title
from cli.surroundings import Surroundings


@click.command()
@app_argument
@label_argument
@as_json
@click.pass_obj
def pin(around: Surroundings, app: str, label: str, *, as_json: bool) -> None:
    """Keep the preview of LABEL from being stopped for idleness or to make room."""
    found = lookup.find(around.api, app, label)
    pinned = around.api.pin(app, found["sha"], pinned=True)
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
def unpin(around: Surroundings, app: str, label: str, *, as_json: bool) -> None:
    """Let the preview of LABEL be stopped for idleness or to make room."""
    found = lookup.find(around.api, app, label)
    unpinned = around.api.pin(app, found["sha"], pinned=False)
    if as_json:
        show_json(unpinned)
    else:
        note(f"{title(unpinned)} is not pinned; `prevs pin {app} {label}` pins it.")


@click.command("queue")
@as_json
@click.pass_obj
def list_queue(around: Surroundings, *, as_json: bool) -> None:
    """List what waits for an agent, the next first."""
    queued = around.api.queue()
    if as_json:
        show_json(queued)
    elif queued:
        show(tables.queue(queued, around.now()))
        note("`prevs stop APP LABEL` takes one out of it.")
    else:
        note("Nothing waits for an agent. `prevs ls` lists what runs.")


COMMANDS = (list_queue, pin, unpin)
