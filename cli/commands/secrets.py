"""The commands for the credential of an app's repository, and how secrets are read.

No secret of these is ever an argument: the shell's history keeps arguments, and others can read
them in /proc.
"""

import sys
from typing import IO

import click
from rich.table import Table

from cli.command_context import CommandContext
from cli.commands.sections import Group
from cli.display import tables
from cli.display.output import note, show, show_json
from cli.names.arguments import app_argument, as_json, confirm, yes

_file = click.File("rb")


@click.group(cls=Group)
def credential() -> None:
    """Show, set and unset the credential of an app's repository."""


@credential.command("show")
@app_argument
@as_json
@click.pass_obj
def show_credential(context: CommandContext, app: str, *, as_json: bool) -> None:
    """Show the credential of APP's repository, without its secret part."""
    found = context.api.show_credential(app)
    _show(found, tables.credential_details(found, context.now()), as_json=as_json)


@credential.command("set")
@app_argument
@click.option("--username", default="", help="The user of the password or token, if it needs one.")
@click.option("--password-file", type=_file, help="Read the password or token from this file.")
@click.option("--private-key", type=_file, help="A file with an SSH key, without a passphrase.")
@click.option("--known-hosts", type=_file, help="A file with the output of `ssh-keyscan HOST`.")
@as_json
@click.pass_obj
def set_credential(
    context: CommandContext,
    app: str,
    *,
    username: str,
    password_file: IO[bytes] | None,
    private_key: IO[bytes] | None,
    known_hosts: IO[bytes] | None,
    as_json: bool,
) -> None:
    """Set the credential of APP's repository: a password, a token or an SSH key.

    Without --private-key, a password or token comes from --password-file, stdin or a prompt.

    \b
    Examples:
      prevs credential set shop --username deploy       # prompts for the token
      ssh-keyscan git.example.org > hosts               # compare it with the server's own keys
      prevs credential set shop --private-key deploy_key --known-hosts hosts
    """
    if private_key:
        order = {"private_key": read_value(private_key, "")}
    else:
        order = {"password": read_value(password_file, f"Password or token for {app}")}
    if username:
        order["username"] = username
    if known_hosts:
        order["known_hosts"] = read_value(known_hosts, "")
    done = context.api.set_credential(app, order)
    _show(done, tables.credential_details(done, context.now()), as_json=as_json)


@credential.command("unset")
@app_argument
@yes
@click.pass_obj
def unset_credential(context: CommandContext, app: str, yes: bool) -> None:
    """Remove the credential of APP's repository. The command asks for confirmation."""
    if not yes:
        confirm(
            f"Remove the credential of {app}?",
            "prevs cannot show it again, and reads the repository without one from now on.",
        )
    context.api.unset_credential(app)
    note(f"The credential of {app} is removed. Its repository is read without one now.")


@click.command("key")
def print_key() -> None:
    """Print a new key for PREVS_KEY_FILE. It encrypts apps' variables, credentials, passwords.

    \b
    Examples:
      (umask 077 && prevs key > /etc/prevs/keys)        # every framework needs the same file
    """
    from program.settings.keys import new_key

    click.echo(new_key())


def _show(found: object, table: Table, *, as_json: bool) -> None:
    if as_json:
        show_json(found)
    else:
        show(table)


def read_value(file: IO[bytes] | None, what: str) -> str:
    """Return the text of a file, of stdin, or of a hidden prompt for `what`."""
    if file is None and sys.stdin.isatty():
        return str(click.prompt(what, hide_input=True, err=True))
    source = file or sys.stdin.buffer
    try:
        text = source.read().decode()
    except UnicodeDecodeError:
        raise click.UsageError(f"{source.name} is not text in UTF-8.") from None
    return text.removesuffix("\n").removesuffix("\r")


COMMANDS = (credential, print_key)
