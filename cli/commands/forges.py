"""The commands for an app's forge: the host of its repository, with pull requests."""

from typing import IO

import click

from cli.command_context import CommandContext
from cli.commands.hooks import enter_hook
from cli.commands.secrets import read_value
from cli.commands.sections import Group
from cli.display import tables
from cli.display.output import note, show, show_json
from cli.errors import NotDone
from cli.names.arguments import app_argument, as_json, confirm, yes


@click.group(cls=Group)
def forge() -> None:
    """Connect apps to their forges, such as GitHub, GitLab, Gitea or Forgejo."""


@forge.command("set")
@app_argument
@click.option(
    "--kind",
    metavar="KIND",
    help="The kind of forge, such as github or gitlab; auto: by the repository's host; none.",
)
@click.option(
    "--token-file", type=click.File("rb"), help="Read the token from this file; - is stdin."
)
@click.pass_obj
def set_forge(
    context: CommandContext, app: str, *, kind: str | None, token_file: IO[bytes] | None
) -> None:
    """Set the token for the forge of APP, its kind, or both.

    The token comes from --token-file, stdin or a prompt; with --kind alone it stays as it is. Make
    one with the least rights: docs/forges/ names them. prevs stores it encrypted, and sends it to
    the forge only.

    \b
    Examples:
      prevs forge set shop                              # prompts for the token
      prevs forge set shop --kind gitlab --token-file token
    """
    if kind is not None:
        context.api.change_app(app, {"forge": kind})
    if kind is None or token_file is not None:
        token = read_value(token_file, f"Token for the forge of {app}").strip()
        context.api.set_forge_token(app, {"token": token})
    note(f"`prevs forge check {app}` shows what works, `prevs forge hook {app}` adds the webhook.")


@forge.command("rm")
@app_argument
@yes
@click.pass_obj
def remove_token(context: CommandContext, app: str, yes: bool) -> None:
    """Remove the token for the forge of APP. The command asks for confirmation."""
    if not yes:
        confirm(
            f"Remove the token for the forge of {app}?",
            "prevs cannot show it again. Without one, pull requests are told nothing, and with "
            "`--pulls auto` they have no addresses.",
        )
    context.api.unset_forge_token(app)
    note(f"The token is removed. The forge of {app} is read without one now.")


@forge.command("check")
@app_argument
@as_json
@click.pass_obj
def check(context: CommandContext, app: str, *, as_json: bool) -> None:
    """Check the way to the forge of APP, and show the next step for what does not work.

    The framework makes a few calls to the forge; it changes nothing there.
    """
    found = context.api.check_forge(app)["findings"]
    if as_json:
        show_json(found)
    else:
        show(tables.findings(found))
    failed = [one["part"] for one in found if one["ok"] is False]
    if failed:
        raise NotDone(f"This does not work for {app}: {', '.join(failed)}.")


forge.add_command(enter_hook)
COMMANDS = (forge,)
"""The commands in groups, as `prevs --help` shows them."""
