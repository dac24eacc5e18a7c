"""`prevs backup` and `prevs restore`: all that an installation needs, in one sealed file.

With PREVS_ZOOKEEPER in the environment, they act on the cluster of a framework's settings there;
without, on a cluster of `prevs local`.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import click

from local.cluster import backups
from local.errors import LocalError
from local.settings import default_folder, read

_FILE = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
_OPTIONS = (
    click.option(
        "--phrase-file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Read the pass phrase from this file, instead of a prompt.",
    ),
    click.option(
        "--dir",
        "folder",
        type=click.Path(file_okay=False, path_type=Path),
        help="The folder of a cluster of `prevs local`  [default: ~/.local/state/prevs/local]",
        callback=lambda _ctx, _param, value: (value or default_folder(os.environ)).absolute(),
    ),
)


def _ways(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return _FILE(command)


@click.command()
@_ways
@click.pass_context
def backup(ctx: click.Context, file: Path, phrase_file: Path | None, folder: Path) -> None:
    """Write all that this installation needs to FILE, sealed by a pass phrase.

    It has the records in ZooKeeper, as they are at one moment, and the tokens, keys and identities.
    A framework may lead meanwhile. Repositories, images, volumes, logs and sandboxes are not in it.

    On the machine of a framework, run it with that framework's settings (PREVS_ZOOKEEPER and the
    others) in the environment. Without, it is for the cluster of `prevs local`.

    \b
    Example:
      prevs backup prevs-2026-12-02.backup --phrase-file phrase
    """
    if os.environ.get("PREVS_ZOOKEEPER"):
        ctx.exit(_run_framework("--backup", file, phrase_file))
    settings = read(folder)
    if settings is None:
        raise click.UsageError(f"There is no cluster in {folder}. Name its folder: --dir.")
    phrase = _read(phrase_file, is_new=True)
    _tell(ctx, lambda: backups.make(settings, file.absolute(), phrase, os.environ))


@click.command()
@_ways
@click.option(
    "--over",
    default="",
    metavar="ROOT",
    help="Replace the records that are there already, and the files. ROOT is theirs: /prevs.",
)
@click.pass_context
def restore(
    ctx: click.Context, file: Path, phrase_file: Path | None, folder: Path, *, over: str
) -> None:
    """Restore what `prevs backup` has written to FILE, where nothing runs.

    It checks FILE first, and refuses where records or other files are already. What ran starts
    again when a framework leads, if its tasks are gone.

    \b
    Example:
      prevs restore prevs-2026-12-02.backup --phrase-file phrase
    """
    if os.environ.get("PREVS_ZOOKEEPER"):
        more = ["--over", over] if over else []
        status = _run_framework("--restore", file, phrase_file, *more)
        if status == 0:
            click.echo("Start the frameworks and the proxies now; `prevs doctor` checks them.")
        ctx.exit(status)
    phrase = _read(phrase_file, is_new=False)
    place = file.absolute()
    _tell(ctx, lambda: backups.restore(folder, place, phrase, os.environ, over=over))
    click.echo("`prevs local up`, with the options of before, starts the cluster.")


def _run_framework(what: str, file: Path, phrase_file: Path | None, *more: str) -> int:
    """Run the framework's own command; it asks for the pass phrase itself."""
    phrase = ["--phrase-file", str(phrase_file)] if phrase_file else []
    command = [sys.executable, "-m", "framework", what, str(file), *phrase, *more]
    return subprocess.run(command, env=_environ(os.environ), check=False).returncode


def _environ(environ: Mapping[str, str]) -> Mapping[str, str]:
    packages = str(Path(__file__).parents[2])
    return {**environ, "PYTHONPATH": f"{packages}:{environ.get('PYTHONPATH', '')}".rstrip(":")}


def _read(phrase_file: Path | None, *, is_new: bool) -> str:
    if phrase_file is not None:
        return phrase_file.read_text().rstrip("\r\n")
    phrase: str = click.prompt("Pass phrase", hide_input=True, confirmation_prompt=is_new)
    return phrase


def _tell(ctx: click.Context, act: Callable[[], str]) -> None:
    try:
        click.echo(act())
    except LocalError as error:
        click.echo(str(error), err=True)
        ctx.exit(1)
