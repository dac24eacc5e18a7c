"""The command `prevs doctor`: its checks, their order, and how findings are shown."""

import contextlib
import importlib
import itertools
import sys
from collections.abc import Iterator, Mapping, Sequence

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.client import credentials
from cli.command_context import CommandContext
from cli.display.output import note, show, show_json
from cli.display.sentences import counted
from cli.display.terminal import one_line
from cli.doctor import checks
from cli.doctor.check_runner import Check, run
from cli.doctor.findings import Finding, Level, skipped, wrong
from cli.errors import BadCredentials
from cli.names.arguments import as_json

_MARKS = {
    Level.OK: ("✓", "green"),
    Level.WARNING: ("!", "yellow"),
    Level.WRONG: ("✗", "red"),
    Level.SKIPPED: ("-", "dim"),
}


@click.command()
@as_json
@click.pass_context
def doctor(ctx: click.Context, /, *, as_json: bool) -> None:
    """Check every part, and show how to fix what is wrong.

    It checks the settings, the frameworks and what they need, the token, the agents, the queue,
    failed previews, the apps' repositories and forges, the addresses, and what `prevs local` runs
    on this machine. No check takes longer than half a minute. The exit status is 1 if something is
    wrong.
    """
    context = ctx.ensure_object(CommandContext)
    with _waiting():
        found = examine(context)
    if as_json:
        show_json([_as_json(one) for one in found])
    else:
        _show(found)
    ctx.exit(1 if any(one.level is Level.WRONG for one in found) else 0)


def examine(context: CommandContext) -> list[Finding]:
    """Run all checks and return what they find. Blocks."""
    try:
        known = credentials.read(context.environ)
    except BadCredentials as exc:
        advice = f"{exc.hint} In a checkout of prevs, `make up` also installs what that needs."
        here = run(_machine_checks(context.environ, needed=True))
        return [wrong("settings", str(exc), advice), *itertools.chain(*here)]
    found = checks.look_at_settings(known, context.environ)
    first = checks.framework_checks(known, context.now)
    seen = run([*first, *_machine_checks(context.environ, needed=False)])
    frameworks, here = seen[: len(first)], seen[len(first) :]
    found += itertools.chain(*frameworks)
    if any(one.level is Level.OK for one in found if one.part == "token"):
        found += itertools.chain(*run(checks.cluster_checks(known, context.now)))
    else:
        reason = "Not checked: the API does not answer, or does not accept the token."
        found.append(skipped("cluster", reason))
    return [*found, *itertools.chain(*here)]


def _machine_checks(environ: Mapping[str, str], *, needed: bool) -> list[Check]:
    """Return the check of this machine by `prevs local`, if that is installed."""
    try:
        checkup = importlib.import_module("local.console.checkup")
    except ModuleNotFoundError as exc:
        if exc.name != "local":
            raise
        return []

    def look() -> Sequence[Finding]:
        seen = checkup.look(environ, needed=needed)
        return [
            Finding(part, Level(level), message, advice) for part, level, message, advice in seen
        ]

    return [Check("this machine", look, 20.0)]


def _as_json(finding: Finding) -> Mapping[str, str]:
    """Return a finding under the keys of `--json`, which never change."""
    return {
        "part": finding.part,
        "level": finding.level.value,
        "message": finding.message,
        "advice": finding.advice,
    }


@contextlib.contextmanager
def _waiting() -> Iterator[None]:
    if not sys.stderr.isatty():
        yield
        return
    with Console(file=sys.stderr).status("Checking every part ..."):
        yield


def _show(found: Sequence[Finding]) -> None:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(width=1)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for one in found:
        mark, style = _MARKS[one.level]
        message = Text(one_line(one.message), "dim" if one.level is Level.SKIPPED else "")
        if one.advice:
            message.append(f"\n→ {one_line(one.advice)}", "cyan")
        table.add_row(Text(mark, style), one_line(one.part), message)
    show(table, wraps=sys.stdout.isatty())
    bad = [one for one in found if one.level is Level.WRONG]
    doubtful = [one for one in found if one.level is Level.WARNING]
    if bad:
        note(f"{counted(bad, 'thing is', 'things are')} wrong.")
    elif doubtful:
        note(f"Everything works, with {counted(doubtful, 'warning', 'warnings')}.")
    else:
        note("Everything works.")
