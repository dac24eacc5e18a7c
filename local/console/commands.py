"""`prevs local`: the whole system on this machine, at addresses that only it has."""

import json
import os
import sys
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from rich.console import Console

from local.cluster import launch, shutdown
from local.cluster.progress import Step
from local.cluster.turns import Command, turn
from local.cluster.zookeeper import FREE_SOME, find_full_disk
from local.console import steps
from local.console.tables import addresses, parts_table, sign_in
from local.errors import LocalError
from local.mesos.installation import find, install, is_there
from local.settings import (
    Settings,
    cache_folder,
    credentials_file,
    default_folder,
    prepare,
    read,
    write_private,
)

PORT = click.IntRange(1, 65535)
_UNWRAPPED = 1000  # columns: in a pipe, each part is one line


def _folder(command: Callable[..., None]) -> Callable[..., None]:
    return click.option(
        "--dir",
        "folder",
        type=click.Path(file_okay=False, path_type=Path),
        help="The folder of the cluster's files  [default: ~/.local/state/prevs/local]",
        callback=lambda _ctx, _param, value: (value or default_folder(os.environ)).absolute(),
    )(command)


def _preview_ports(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    first, _, last = value.partition("-")
    if not (first.isdigit() and last.isdigit() and 1024 <= int(first) <= int(last) <= 65535):
        raise click.BadParameter("must be FIRST-LAST, as in 31000-31999, within 1024-65535")
    return value


@click.group()
def local() -> None:
    """Run all of prevs on this machine."""


@local.command()
@_folder
@click.option(
    "--agents",
    type=click.IntRange(1, 16),
    default=2,
    show_default=True,
    help="The number of Mesos agents.",
)
@click.option(
    "--frameworks",
    type=click.IntRange(1, 5),
    default=1,
    show_default=True,
    help="The number of frameworks; one leads, the others stand by.",
)
@click.option("--domain", default="localhost", show_default=True, help="The domain of addresses.")
@click.option("--port", type=PORT, default=8080, show_default=True, help="The port of addresses.")
@click.option(
    "--api-port",
    type=PORT,
    default=8090,
    show_default=True,
    help="The port of the API and the dashboard.",
)
@click.option(
    "--zookeeper-port", type=PORT, default=2181, show_default=True, help="The port of ZooKeeper."
)
@click.option(
    "--mesos-port", type=PORT, default=5050, show_default=True, help="The port of the Mesos master."
)
@click.option(
    "--agent-port", type=PORT, default=5051, show_default=True, help="The port of each Mesos agent."
)
@click.option(
    "--preview-ports",
    default="31000-31999",
    show_default=True,
    callback=_preview_ports,
    help="The ports of containers, on each agent's own address.",
)
@click.option(
    "--cpus",
    type=click.FloatRange(0.1),
    default=4,
    show_default=True,
    help="The CPUs of each agent.",
)
@click.option(
    "--mem",
    type=click.IntRange(128),
    default=4096,
    show_default=True,
    help="The memory of each agent, in MB.",
)
@click.option(
    "--credentials/--no-credentials",
    default=True,
    help="Save the API's address and token for the command line.",
)
@click.pass_context
def up(ctx: click.Context, /, folder: Path, credentials: bool, **given: Any) -> None:
    """Start all parts that do not run yet, and wait until they are up."""
    console = Console(soft_wrap=True)
    chosen = {n for n in given if ctx.get_parameter_source(n) is ParameterSource.COMMANDLINE}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with turn(folder, Command.UP, steps.waiting(console)):
            settings = _up(console, folder, given, chosen)
        if credentials:
            _save_credentials(settings)
    except LocalError as exc:
        steps.show_failure(console, exc)
        ctx.exit(1)
    except KeyboardInterrupt:
        console.print(_tell_interrupted(folder), highlight=False)
        raise
    token = settings.token_file.read_text()
    console.print(addresses(settings, token), markup=False, highlight=False)


def _save_credentials(settings: Settings) -> None:
    file = credentials_file(os.environ)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    token = settings.token_file.read_text()
    write_private(file, json.dumps({"api": settings.api, "token": token}))


def _tell_interrupted(folder: Path) -> str:
    """Return what an interrupted `up` has left."""
    settings = read(folder)
    if settings is None or launch.supervisor_pid(settings) is None:
        return "Interrupted; nothing runs. `prevs local up` begins again."
    if launch.is_up(settings):
        return "Interrupted; all parts are up. `prevs local down` stops them."
    return "It goes on starting. `prevs local down` stops it."


def _up(console: Console, folder: Path, given: dict[str, Any], chosen: Collection[str]) -> Settings:
    stored = read(folder)
    if stored is not None:
        launch.wait_stopped(stored)
    if stored is not None and launch.supervisor_pid(stored) is not None:
        other = [n for n in chosen if getattr(stored, n) != given[n]]
        if other:
            why = ", ".join(f"{n.replace('_', '-')} is {getattr(stored, n)}" for n in other)
            advice = "Run `prevs local down` first."
            raise LocalError("settings", f"The cluster runs with other settings: {why}", advice)
    if stored is not None and launch.is_up(stored):
        console.print("It is already up.", highlight=False)
        _warn_of_code(console, stored)
        return stored
    if full := find_full_disk(stored.zookeeper_folder if stored else folder):
        raise LocalError("zookeeper", full, FREE_SOME)
    begun = time.monotonic()
    cache = cache_folder(os.environ)
    if not is_there(find(cache)):
        with steps.download_bar(console, "Mesos") as report:
            install(cache, report)
        steps.show(console, Step("mesos", "ready", time.monotonic() - begun, "installed"))
    if stored is None or launch.supervisor_pid(stored) is None:
        stored = prepare(folder, given)
    with steps.board(console) as show:
        launch.start(stored, os.environ, show)
    console.print(f"Up after {time.monotonic() - begun:.1f} s.", highlight=False)
    _warn_of_code(console, stored)
    return stored


def _warn_of_code(console: Console, settings: Settings) -> None:
    if difference := launch.judge_code(settings):
        console.print(difference, markup=False, highlight=False)


@local.command()
@_folder
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def status(ctx: click.Context, folder: Path, as_json: bool) -> None:
    """Show the parts. The exit status is 1 unless all are up."""
    settings = read(folder)
    alive = settings is not None and launch.supervisor_pid(settings) is not None
    state = launch.read_status(settings) if settings is not None and alive else {}
    left = launch.find_left(settings) if settings is not None and not alive else []
    if as_json:
        answer = {"up": False, "parts": [], "left": [], "folder": str(folder)} | state
        answer["left"] = [one._asdict() for one in left]
        if settings is not None and alive:
            answer |= {"api": settings.api, "domain": settings.domain, "port": settings.port}
        click.echo(json.dumps(answer, indent=2))
    elif settings is not None and alive:
        terminal = sys.stdout.isatty()
        Console(width=None if terminal else _UNWRAPPED).print(parts_table(state))
        for name in (part["name"] for part in state.get("parts", []) if part["state"] != "ready"):
            click.echo(f"`prevs local logs {name}` shows the log of {name}.", err=True)
        if full := find_full_disk(settings.zookeeper_folder):
            stale = "What is shown above may be old, as it is written there too."
            click.echo(f"zookeeper: {full}. {FREE_SOME} {stale}", err=True)
        click.echo(f"Sign-in to Mesos: {sign_in(settings)}.", err=True)
        click.echo(f"The cluster's files are in {folder}; `token` is the API's token.", err=True)
        if difference := launch.judge_code(settings):
            click.echo(difference, err=True)
    elif left:
        click.echo(f"The supervisor in {folder} has ended, and these processes still run:")
        for one in left:
            click.echo(f"  {one.pid:<8} {one.name}")
        click.echo("`prevs local down` ends them; `prevs local up` starts all again.")
    else:
        click.echo(f"Nothing runs in {folder}. `prevs local up` starts a cluster.")
    ctx.exit(0 if state.get("up") else 1)


@local.command()
@click.argument("part")
@_folder
@click.option("-f", "--follow", is_flag=True, help="Also show new lines as they come.")
@click.pass_context
def logs(ctx: click.Context, part: str, folder: Path, follow: bool) -> None:
    """Show the end of the log of PART. `prevs local status` lists the parts."""
    settings = read(folder)
    names = sorted(log.stem for log in (folder / "log").glob("*.log"))
    if settings is None or part not in names:
        known = ", ".join(names) or "none: nothing has run here"
        why = f"{part!r} has no log. The logs are: {known}"
        raise click.BadParameter(why, ctx, param_hint="PART")
    os.execvp("tail", ["tail", "-n", "200", *(["-F"] if follow else []), str(settings.log(part))])  # noqa: S606


@local.command()
@_folder
@click.pass_context
def down(ctx: click.Context, folder: Path) -> None:
    """Stop all parts. `up` continues from the same state."""
    console = Console(soft_wrap=True)
    settings = read(folder)
    try:
        with steps.board(console) as show:
            ran = settings is not None and _down(console, settings, show)
    except LocalError as exc:
        steps.show_failure(console, exc)
        ctx.exit(1)
    except KeyboardInterrupt:
        text = "Interrupted; parts may go on ending. `prevs local status` shows what still runs."
        console.print(text, highlight=False)
        raise
    console.print("Down." if ran else "Nothing runs here.", highlight=False)


def _down(console: Console, settings: Settings, show: steps.Show) -> bool:
    """End a cluster; return whether anything ran. It interrupts `up`, and waits for `down`."""
    ran, tell = False, steps.waiting(console)

    def wait(other: Command) -> None:
        nonlocal ran
        if other is Command.UP and launch.supervisor_pid(settings) is not None:
            ran = shutdown.stop(settings, os.environ, show) or ran
        else:
            tell(other)

    with turn(settings.folder, Command.DOWN, wait):
        return shutdown.stop(settings, os.environ, show) or ran
