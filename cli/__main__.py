"""`prevs`: the root of the commands, and the exit status of each."""

import os
import sys
from collections.abc import Mapping, Sequence

import click

from cli.bisection.command import bisect
from cli.checks.command import check
from cli.command_context import CommandContext
from cli.commands import (
    access,
    cluster,
    events,
    forges,
    notifications,
    previews,
    pulls,
    repository,
    secrets,
    visitors,
)
from cli.commands.apps import app
from cli.commands.sections import Sections
from cli.data import commands as data
from cli.display.output import print_error
from cli.errors import ApiRefused, CliError
from cli.gates import commands as gates
from cli.jobs import commands as jobs
from cli.names import suggestions
from cli.names.completion import print_completion
from cli.schedules import commands as schedules
from cli.stacks import commands as stacks
from cli.variables import commands as variables

_INTERRUPTED = 130  # 128 + SIGINT, as in a shell


@click.group(
    cls=Sections, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="prevs", message="%(prog)s %(version)s")
def prevs() -> None:
    """Every commit of a git repository at its own address.

    \b
    Begin with:
      prevs app add shop https://git.example.org/shop.git    register a repository
      prevs start shop main --wait                           start its branch main
      prevs doctor                                           find out what is wrong

    LABEL is a branch, a tag, or the first 7 to 40 digits of a commit. PREVS_API and PREVS_TOKEN
    are the API's address and a token for it; without them, commands use the cluster of
    `prevs local up`.
    """


app.add_command(check)
prevs.add_command(app)
prevs.add_command(bisect)
prevs.add_command(print_completion)
for module in (
    previews,
    jobs,
    schedules,
    gates,
    stacks,
    data,
    repository,
    pulls,
    cluster,
    events,
    secrets,
    variables,
    notifications,
    visitors,
    forges,
    access,
):
    for command in module.COMMANDS:
        prevs.add_command(command)


def main(args: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """Run a command and return its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    context = CommandContext(environ)
    colour = False if environ.get("NO_COLOR") else None
    try:
        done = prevs.main(args, prog_name="prevs", standalone_mode=False, obj=context, color=colour)
    except CliError as exc:
        if isinstance(exc, ApiRefused) and (meant := suggestions.suggest(context.api, exc)):
            exc.hint = f"{meant} {exc.hint}".strip()
        print_error(exc)
        return exc.status
    except click.ClickException as exc:
        exc.show()
        return exc.exit_code
    except click.Abort:
        return _INTERRUPTED
    finally:
        context.close()
    return done if isinstance(done, int) else 0


if __name__ == "__main__":
    sys.exit(main())
