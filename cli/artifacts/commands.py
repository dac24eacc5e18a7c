"""The commands about the files that a job's command left."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.artifacts import downloads
from cli.client.generated.records import Artifacts
from cli.command_context import CommandContext
from cli.display.columns import cell, new_table
from cli.display.output import LogPrinter, note, show, show_json
from cli.display.sentences import duration
from cli.errors import NotDone
from cli.names import completion, job_lookup
from cli.names.arguments import app_argument, as_json
from prevs.artifacts import is_path

if TYPE_CHECKING:  # its imports take longer than most commands that need no API
    from cli.client.transport import Download

_id_argument = click.argument("job", metavar="ID", shell_complete=completion.jobs)


@click.command("artifacts")
@app_argument
@_id_argument
@as_json
@click.pass_obj
def list_artifacts(context: CommandContext, app: str, job: str, *, as_json: bool) -> None:
    """List the files that the job ID of APP left in /run/prevs/artifacts.

    `prevs job get` downloads them. The agent that has run the job keeps them for some days.
    """
    job_id = job_lookup.find_id(context.api, app, job)
    left = context.api.list_artifacts(app, job_id)
    if as_json:
        show_json(left)
        return
    if not left["artifacts"]:
        note(_NOTHING)
        return
    table = new_table("PATH", "BYTES")
    for one in left["artifacts"]:
        table.add_row(cell(one["path"]), cell(f"{one['size']:,}"))
    show(table)
    note(_describe_end(left, context.now()))


@click.command("get")
@app_argument
@_id_argument
@click.argument("path", required=False)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Write it to FILE, or to stdout with -. Without: to a file of its name, here.",
)
@click.option(
    "--all",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Download all files into DIR, in folders as the command made them.",
)
@click.option("--force", is_flag=True, help="Overwrite files that are there.")
@click.pass_obj
def get(
    context: CommandContext,
    /,
    app: str,
    job: str,
    *,
    path: str | None,
    output: str | None,
    folder: Path | None,
    force: bool,
) -> None:
    """Download the file PATH that the job ID of APP left, or all of them.

    \b
    Examples:
      prevs job artifacts shop k4z7q2n5
      prevs job get shop k4z7q2n5 reports/november.csv
      prevs job get shop k4z7q2n5 coverage.xml -o - | ./check
      prevs job get shop k4z7q2n5 --all ./reports
    """
    if (path is None) == (folder is None):
        raise click.UsageError("Give either the PATH of a file, or --all DIR.")
    if folder is not None and output is not None:
        raise click.UsageError("Use one of --output and --all.")
    job_id = job_lookup.find_id(context.api, app, job)
    if folder is not None:
        _get_all(context, app, job_id, folder, force=force)
    elif path is not None:
        _get_one(context, app, job_id, path, output=output, force=force)


def _get_one(
    context: CommandContext, app: str, job_id: str, path: str, *, output: str | None, force: bool
) -> None:
    if not is_path(path):
        raise NotDone(
            f"No file of a job has the path {path!r}.",
            f"`prevs job artifacts {app} {job_id}` lists its files.",
        )
    name = path.rpartition("/")[2]
    target = Path(output or name)
    if target.is_dir():
        target /= name
    if output != "-" and not force:
        downloads.check_free([target])
    with context.api.read_artifact(app, job_id, path) as download:
        if output == "-":
            _print(download, name)
        else:
            downloads.save(download, target)
            note(f"{target} has {download.size:,} bytes.")


def _get_all(context: CommandContext, app: str, job_id: str, folder: Path, *, force: bool) -> None:
    listed = context.api.list_artifacts(app, job_id)["artifacts"]
    if not listed:
        note(_NOTHING)
        return
    targets = {one["path"]: downloads.place(folder, one["path"]) for one in listed}
    if not force:
        downloads.check_free(targets.values())
    for path, target in targets.items():
        with context.api.read_artifact(app, job_id, path) as download:
            downloads.save(download, target)
    files = "file is" if len(listed) == 1 else "files are"
    note(f"{len(listed):,} {files} in {folder}, with {sum(one['size'] for one in listed):,} bytes.")


def _print(download: "Download", name: str) -> None:
    """Print a file on stdout: as it is, but on a terminal as text without commands to it."""
    if not sys.stdout.isatty():
        downloads.copy(download, lambda piece: click.echo(piece, nl=False), name)
        return
    printer = LogPrinter()

    def read(offset: int) -> tuple[bytes, int]:
        piece = next(download.pieces, b"")
        return piece, offset + len(piece)

    try:
        printer.print_all(read)
    finally:
        printer.end()


_NOTHING = "The job has left no files. A command leaves them in the folder /run/prevs/artifacts."


def _describe_end(left: Artifacts, now: float) -> str:
    """Return a sentence about which attempt left the files, and for how long they are there."""
    of = f"Attempt {left['attempt']} has left them."
    if left["until"] is None:
        return f"{of} Its agent keeps them for some days."
    rest = round(left["until"] - now)
    if rest <= 0:
        return f"{of} Its agent may remove them at any time."
    return f"{of} Its agent keeps them for about {duration(rest)} more."


COMMANDS = (list_artifacts, get)
