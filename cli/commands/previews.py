"""The commands about previews. LABEL is a branch, a tag, 7 to 40 digits of a commit, or a label."""

import sys
import webbrowser
from collections.abc import Iterator
from typing import Any

import click

from cli.client.event_streams import (
    Gap,
    LogPiece,
    NewAttempt,
    OutputPiece,
    PreviewEnded,
    Update,
    follow,
)
from cli.client.generated import choices
from cli.client.generated.records import Preview, StartedPreview
from cli.client.instances import find_commit
from cli.command_context import CommandContext
from cli.display import attempts, tables
from cli.display.output import LogPrinter, note, show, show_json, show_log_tail
from cli.display.progress import Progress, showing
from cli.display.sentences import ago, failed, progress, title
from cli.errors import NotDone
from cli.names import lookup
from cli.names.arguments import app_argument, as_json, label_argument
from cli.names.completion import apps
from prevs import names
from prevs.service_names import service_labels

OVER = {"running", "failed", "stopped"}
"""The states in which there is nothing to wait for."""


@click.command()
@app_argument
@label_argument
@click.option("--wait", is_flag=True, help="Wait until the preview runs or fails.")
@as_json
@click.pass_obj
def start(context: CommandContext, app: str, label: str, *, wait: bool, as_json: bool) -> None:
    """Start the preview of LABEL, and print its address.

    LABEL is a branch, a tag, or the first 7 to 40 digits of a commit. With --wait the command
    shows each step. If the preview fails, so does the command, with the reason and the end of the
    log.

    \b
    Examples:
      prevs start shop main --wait
      prevs start shop feature/cart
      curl "$(prevs start shop 5c80e7d --wait)"
    """
    with lookup.naming(label):
        started = context.api.start_preview({"app": app, "label": names.slug(label)})
    _note_age(context, label, started)
    _attend(context, started, label, wait=wait, as_json=as_json)


def _attend(
    context: CommandContext, preview: Preview, label: str, *, wait: bool, as_json: bool
) -> None:
    """Print a preview that starts, with `wait` once it runs. Raises CliError if it fails."""
    app = preview["app"]
    if wait and preview["state"] not in OVER:
        preview = _wait(context, preview, label)
    if preview["state"] == "failed":
        preview = context.api.show_preview(app, preview["sha"])  # with the end of the log
    if as_json:
        show_json(preview)
    if preview["state"] == "failed" or (wait and preview["state"] != "running"):
        raise failed(preview, label, context.now())
    if as_json or not (preview["state"] == "running" and sys.stdout.isatty()):
        note(f"{title(preview)} {progress(preview, context.now())}")
    else:
        note(f"{title(preview)} runs.")
    if not as_json:
        click.echo(preview["url"])


def _note_age(context: CommandContext, label: str, started: StartedPreview) -> None:
    """Print how old a label's commit may be, if the repository could not be read."""
    if why := started.get("problem"):
        as_of = started.get("as_of")
        age = "at the last read" if as_of is None else ago(as_of, context.now())
        note(f"The repository cannot be read now. This is {label} as it was {age}. {why}")


def _wait(context: CommandContext, preview: Preview, label: str) -> Preview:
    """Show a preview's progress until it runs, fails or is stopped. Blocks."""
    app, sha = preview["app"], preview["sha"]
    try:
        with showing(context.now) as shown:
            updates = follow(context.api, app, sha, pause=context.pause, notify=shown.print_message)
            return last_state(updates, shown)
    except KeyboardInterrupt:
        note(
            f"It goes on without you: `prevs start {app} {label} --wait` waits again, "
            f"`prevs stop {app} {label}` stops it."
        )
        raise


def last_state(updates: Iterator[Update], shown: Progress) -> Preview:
    """Return a followed preview once it is OVER; `shown` displays it until then."""
    for update in updates:
        if isinstance(update, LogPiece | OutputPiece | Gap | NewAttempt):
            continue
        preview = update.preview
        if isinstance(update, PreviewEnded) or preview["state"] in OVER:
            shown.end(preview)
            return preview
        shown.show(preview)
    raise NotDone("The updates of the preview have ended early.", "`prevs ls` shows its state.")


@click.command("ls")
@click.option("--app", help="List only previews of this app.", shell_complete=apps)
@click.option(
    "--state",
    type=click.Choice(choices.LIST_PREVIEWS_STATE),
    help="List only previews in this state.",
)
@as_json
@click.pass_obj
def list_previews(
    context: CommandContext, app: str | None, state: str | None, *, as_json: bool
) -> None:
    """List the previews, and why one waits or failed.

    \b
    Examples:
      prevs ls
      prevs ls --app shop --state failed
      prevs ls --json | jq -r '.[] | select(.state == "running") | .url'
    """
    previews = context.api.list_previews(app=app, state=state).found
    if as_json:
        show_json(previews)
    elif previews:
        show(tables.previews(previews, context.now()))
    elif app or state:
        note("There are no such previews. `prevs ls` lists all.")
    else:
        note("There are no previews yet. `prevs start APP LABEL` starts one.")


@click.command("show")
@app_argument
@label_argument
@as_json
@click.pass_obj
def show_preview(context: CommandContext, app: str, label: str, *, as_json: bool) -> None:
    """Show the preview of LABEL: its state, its steps and their times.

    It also shows the address, the agent, and why the preview waits, failed or was stopped. For a
    failed preview it prints the end of the log. It lists how earlier attempts ended;
    `prevs logs --attempt N` prints their logs.
    """
    preview = lookup.find(context.api, app, label)
    earlier = attempts.find_earlier(context.api, preview)
    if as_json:
        show_json({**preview, "earlier": earlier})
        return
    show(tables.preview_details(preview, earlier, context.now()))
    if preview["state"] == "failed":
        error = failed(preview, label, context.now())
        show_log_tail(error.log_tail, err=False)
        note(error.hint)


@click.command()
@app_argument
@label_argument
@click.option("-f", "--follow", "following", is_flag=True, help="Print new lines as they come.")
@click.option("--tail", is_flag=True, help="Print only the last lines, about 4 KB.")
@click.option(
    "--attempt",
    type=click.IntRange(min=1),
    metavar="N",
    help="Print the log of attempt N; `prevs show` lists the attempts.",
)
@click.option("--previous", is_flag=True, help="Print the log of the attempt before the last one.")
@click.pass_obj
def logs(context: CommandContext, /, app: str, label: str, *, previous: bool, **how: Any) -> None:
    """Print the log of LABEL: the build, then the output of the app.

    A terminal shows the log's colours; all other terminal commands in it are removed.

    \b
    Examples:
      prevs logs shop main -f
      prevs logs shop main --tail
      prevs logs shop main --previous
      prevs logs shop main | grep ERROR
    """
    _refuse_two(how["following"], how["tail"], "Use --follow or --tail, not both.")
    _refuse_two(how["attempt"], previous, "Use --attempt or --previous, not both.")
    is_earlier = previous or how["attempt"]
    _refuse_two(how["following"], is_earlier, "An earlier attempt has ended: leave out --follow.")
    preview = lookup.find(context.api, app, label)
    if lookup.find_serving(preview, label):
        note(f"This is the log of {names.short(find_commit(preview))}, the newest commit.")
        _note_serving(preview, label, "meanwhile")
    if previous:
        how["attempt"] = attempts.find_previous(context.api, preview, label)
    _print_log(context, preview, label, **how)


def _refuse_two(one: object, other: object, why: str) -> None:
    if one and other:
        raise click.UsageError(why)


def _print_log(
    context: CommandContext,
    preview: Preview,
    label: str,
    *,
    following: bool,
    tail: bool,
    attempt: int | None,
) -> None:
    app, printer = preview["app"], LogPrinter()
    try:
        if following:
            _follow_log(context, preview, printer)
        elif tail:
            printer.print(context.api.read_log_tail(app, preview["sha"], attempt))
        else:
            sha = preview["sha"]
            printer.print_all(lambda offset: context.api.read_log(app, sha, offset, attempt))
    except KeyboardInterrupt:
        if following:
            printer.leave_line()
            printer.note(f"It goes on without you: `prevs logs {app} {label} -f` follows it again.")
        raise
    finally:
        printer.end()


def _follow_log(context: CommandContext, preview: Preview, printer: LogPrinter) -> None:
    updates = follow(
        context.api, preview["app"], preview["sha"], pause=context.pause, notify=printer.note
    )
    state = ""
    for update in updates:
        if isinstance(update, LogPiece):
            printer.print(update.text)
        elif isinstance(update, OutputPiece):
            printer.print_bytes(update.data)
        elif isinstance(update, Gap):
            printer.print(update.line)
        elif isinstance(update, NewAttempt):
            printer.note("A new attempt begins, with a log of its own.")
        elif update.preview["state"] != state:
            state = update.preview["state"]
            printer.note(f"{title(update.preview)} {progress(update.preview, context.now())}")


@click.command()
@app_argument
@label_argument
@as_json
@click.pass_obj
def stop(context: CommandContext, app: str, label: str, *, as_json: bool) -> None:
    """Stop the preview of LABEL; the next visit starts it again.

    It stops the commit that answers at the address of LABEL, and a newer one that is about to
    replace it.
    """
    found = lookup.find(context.api, app, label)
    serving = lookup.find_serving(found, label)
    if serving and not lookup.is_active(found):
        _report(context, context.api.stop_preview(app, serving["sha"]), as_json=as_json)
        if not as_json:
            does = "has failed" if found["state"] == "failed" else f"is {found['state']}"
            note(f"It served {label}. The newer commit {names.short(find_commit(found))} {does}.")
        return
    _report(context, context.api.stop_preview(app, found["sha"]), as_json=as_json and not serving)
    if serving:
        _report(context, context.api.stop_preview(app, serving["sha"]), as_json=as_json)


@click.command()
@app_argument
@label_argument
@click.option("--wait", is_flag=True, help="Wait until the preview runs or fails.")
@as_json
@click.pass_obj
def retry(context: CommandContext, app: str, label: str, *, wait: bool, as_json: bool) -> None:
    """Start the failed preview of LABEL again. With --wait it is shown as `prevs start` does."""
    found = lookup.find(context.api, app, label)
    preview = context.api.retry_preview(app, found["sha"])
    if wait:
        _attend(context, preview, label, wait=True, as_json=as_json)
        return
    _report(context, preview, as_json=as_json)
    if not as_json:
        _note_serving(found, label)
        note(f"`prevs logs {app} {label} -f` follows its log.")


@click.command()
@app_argument
@label_argument
@click.option("--wait", is_flag=True, help="Wait until the preview runs or fails.")
@as_json
@click.pass_obj
def restart(context: CommandContext, app: str, label: str, *, wait: bool, as_json: bool) -> None:
    """Restart the preview of LABEL, for example to give it newer variables.

    Its containers end, and start again from the same image. Its address waits meanwhile. With
    --wait it is shown as `prevs start` does.
    """
    found = lookup.find(context.api, app, label)
    preview = context.api.restart_preview(app, found["sha"])
    if wait:
        _attend(context, preview, label, wait=True, as_json=as_json)
    else:
        _report(context, preview, as_json=as_json)


def _note_serving(newest: Preview, label: str, does: str = "") -> None:
    """Print which commit serves the address of a label whose newest commit does not run."""
    if serving := lookup.find_serving(newest, label):
        logs = f"`prevs logs {newest['app']} {names.short(serving['sha'])}`"
        until = does or "until this one runs"
        note(f"{label} serves {names.short(find_commit(serving))} {until}: {logs} prints its log.")


def _report(context: CommandContext, preview: Preview, *, as_json: bool) -> None:
    if as_json:
        show_json(preview)
    else:
        note(f"{title(preview)} {progress(preview, context.now())}")


@click.command("open")
@app_argument
@label_argument
@click.option("--service", metavar="NAME", help="Open the address of this companion instead.")
@click.pass_obj
def open_preview(context: CommandContext, app: str, label: str, service: str | None) -> None:
    """Open the address of LABEL in the browser, and print it.

    The first visit starts the preview, and shows its progress.
    """
    with lookup.naming(label):
        slug = names.slug(label)
        at = service_labels(service, slug, app)[0] if service else slug
        address = context.api.show_label(app, at)["url"]
    click.echo(address)
    if not webbrowser.open(address):
        raise NotDone("No browser could be started here.", "Open the address above.")


COMMANDS = (start, list_previews, show_preview, logs, stop, retry, restart, open_preview)
