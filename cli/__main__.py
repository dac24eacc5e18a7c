"""`prevs`: the root of the commands, and the exit status of each."""

import importlib
import os
import sys
from collections.abc import Mapping, Sequence

import click

from cli import preview_commands, room_commands
from cli.app_commands import app
from cli.errors import CliError
from cli.output import tell_error
from cli.surroundings import Surroundings

_INTERRUPTED = 130  # 128 + SIGINT, as a shell says it


class Commands(click.Group):
    """The commands, and `local`, whose imports would take longer than all the others' work."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return [*super().list_commands(ctx), "local"]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by its name."""
        if cmd_name != "local":
            return super().get_command(ctx, cmd_name)
        try:
            loaded: click.Command = importlib.import_module("local.commands").local
        except ModuleNotFoundError as exc:
            if exc.name not in {"local", "local.commands"}:
                raise
            return None  # an installation of the command alone
        return loaded


@click.group(
    cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="prevs", message="%(prog)s %(version)s")
def prevs() -> None:
    """Every commit of a git repository at its own address.

    LABEL is a branch, a tag or 7 to 40 digits of a commit. PREVS_API and PREVS_TOKEN say where the
    API is; without them it is what `prevs local up` has started.
    """


prevs.add_command(app)
for command in (*preview_commands.COMMANDS, *room_commands.COMMANDS):
    prevs.add_command(command)


def main(args: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """Run a command and return its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    around = Surroundings(environ)
    try:
        done = prevs.main(args, prog_name="prevs", standalone_mode=False, obj=around)
    except CliError as exc:
        tell_error(exc)
        return exc.status
    except click.ClickException as exc:
        exc.show()
        return exc.exit_code
    except click.Abort:
        return _INTERRUPTED
    finally:
        around.close()
    return done if isinstance(done, int) else 0


if __name__ == "__main__":
    sys.exit(main())
