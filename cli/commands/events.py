"""`prevs events`: the events of previews and apps."""

import json

import click

from cli.client.event_streams import follow_events
from cli.client.generated.records import Event
from cli.command_context import CommandContext
from cli.display.output import note, show_json
from cli.display.sentences import clock_time
from cli.display.terminal import one_line
from cli.names.arguments import as_json, limit
from cli.names.completion import apps


@click.command("events")
@click.option("-f", "--follow", "following", is_flag=True, help="Print new events as they come.")
@click.option("--app", help="List only events of this app.", shell_complete=apps)
@limit(100)
@as_json
@click.pass_obj
def list_events(
    context: CommandContext, *, following: bool, app: str | None, limit: int, as_json: bool
) -> None:
    """List the events of previews and apps, the latest last.

    With --json the latest is first. With --json and --follow, each event is a line, the latest
    last.

    \b
    Examples:
      prevs events
      prevs events -f --app shop
      prevs events -f --json | jq 'select(.state == "failed")'
    """
    listed = context.api.list_events(app=app, limit=limit)
    if as_json and not following:
        show_json(listed.found)
        return
    for event in reversed(listed.found):
        _print(event, as_json=as_json)
    if not following:
        if not listed.found:
            note("There are no recent events. `prevs events -f` waits for new ones.")
        elif listed.more:
            note(f"There are more: --limit {limit * 4} lists them.")
        return
    _follow(context, app, listed.found[0]["id"] if listed.found else None, as_json=as_json)


def _follow(context: CommandContext, app: str | None, last: str | None, *, as_json: bool) -> None:
    """Print the events after the event `last`, for ever."""
    for event in follow_events(context.api, app, last, pause=context.pause, notify=note):
        if event is None:
            note("Events are missing here: the framework no longer has them.")
        else:
            _print(event, as_json=as_json)


def _print(event: Event, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(event))
    else:
        colour = {"failed": "red", "running": "green"}.get(event["state"] or "")
        at = click.style(clock_time(event["at"]), dim=True)
        click.echo(f"{at}  {click.style(one_line(event['sentence']), fg=colour)}")


COMMANDS = (list_events,)
