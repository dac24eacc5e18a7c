"""The commands for an app's variables and for the credential of its repository.

No value is ever an argument: the shell's history keeps arguments, and others can read them in
/proc.
"""

import sys
from collections.abc import Mapping
from typing import IO

import click
from rich.table import Table

from cli.client.generated import choices
from cli.client.generated.records import ShownVariable
from cli.command_context import CommandContext
from cli.commands.sections import Group
from cli.display import tables
from cli.display.output import note, show, show_json
from cli.errors import ApiRefused
from cli.names import completion
from cli.names.arguments import app_argument, as_json, confirm, yes

LATER = "New attempts use it. Running previews keep the old value."
_LOST = "prevs cannot show secret values again."
_file = click.File("rb")


@click.group("env", cls=Group)
def environment() -> None:
    """List, set and unset the variables of an app's containers.

    They are stored encrypted. A secret value is never shown, and logs have *** in its place.
    """


@environment.command("ls")
@app_argument
@as_json
@click.pass_obj
def list_variables(context: CommandContext, app: str, *, as_json: bool) -> None:
    """List the variables of APP, without the values of secret ones."""
    found = context.api.show_environment(app)["variables"]
    if as_json:
        show_json(found)
    elif found:
        show(tables.variables(found, context.now()))
    else:
        note(f"{app} has no variables. `prevs env set {app} NAME` sets one.")


@environment.command("set")
@app_argument
@click.argument("name")
@click.option("--file", type=_file, help="Read the value from this file; - is stdin.")
@click.option("--plain", is_flag=True, help="Not secret: whoever may read the app sees the value.")
@click.option(
    "--branches", metavar="PATTERNS", help="Commits of these branches get it: main,release/*."
)
@click.option("--tags", metavar="PATTERNS", help="Commits of these tags get it: v*.")
@click.option(
    "--for",
    "given_for",
    type=click.Choice(choices.SET_VARIABLE_GIVEN_FOR),
    help="Who gets it: builds, which may mount it, containers at run time, or both.",
)
@as_json
@click.pass_obj
def set_variable(
    context: CommandContext,
    /,
    app: str,
    name: str,
    *,
    file: IO[bytes] | None,
    plain: bool,
    as_json: bool,
    **scopes: str | None,
) -> None:
    """Set the variable NAME of APP. The value comes from a file, stdin or a prompt.

    A line end at the end of the value is dropped. Without --branches and --tags, a new variable
    goes to every commit, and an existing one keeps its patterns; "" clears them. In a pattern, *
    matches anything but a slash, and ** at the end matches slashes too.

    \b
    Examples:
      prevs env set shop API_KEY                        # prompts for it
      prevs env set shop MODE --plain <<< preview
      prevs env set shop TLS_KEY --file server.key
      prevs env set shop API_KEY --branches 'main,release/*' --for run
    """
    scope = _read_scopes(**scopes)
    value = read_value(file, f"{name} of {app}")
    order = {"value": value, "secret": not plain, **scope}
    done = context.api.set_variable(app, name, order)
    _show(done, tables.variables([done], context.now()), as_json=as_json)
    note(LATER)
    _warn_of_scope(app, done)


def _read_scopes(
    branches: str | None, tags: str | None, given_for: str | None
) -> Mapping[str, object]:
    """Return the scopes of a variable that were given."""
    scopes = {"branches": _list(branches), "tags": _list(tags), "given_for": given_for}
    return {key: one for key, one in scopes.items() if one is not None}


def _warn_of_scope(app: str, variable: ShownVariable) -> None:
    """Print a warning if every branch gets a secret variable."""
    if variable["secret"] and not (variable.get("branches") or variable.get("tags")):
        note(
            f"Every branch that anybody pushes gets {variable['name']} of {app}, and can show it "
            "to its visitors. --branches main gives it to one branch only."
        )


@environment.command("unset")
@app_argument
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=completion.variables)
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Remove every variable; if they cannot be decrypted any more, the credential, the "
    "password of visitors and the token for the forge, too.",
)
@yes
@click.pass_obj
def unset_variables(
    context: CommandContext, app: str, names: tuple[str, ...], *, everything: bool, yes: bool
) -> None:
    """Remove variables of APP. The command asks for confirmation."""
    if bool(names) == everything:
        raise click.UsageError("Name the variables to remove, or use --all.")
    if not yes:
        what = "all variables" if everything else ", ".join(names)
        confirm(f"Unset {what} of {app}?", _find_loss(context, app) if everything else _LOST)
    if everything:
        context.api.unset_all(app)
    for name in names:
        context.api.unset_variable(app, name)
    note(LATER)


def _find_loss(context: CommandContext, app: str) -> str:
    """Return what goes with all variables of an app."""
    try:
        found = context.api.show_environment(app)["variables"]
    except ApiRefused as exc:
        if exc.problem.slug != "secrets-unreadable":
            raise
        return (
            "They cannot be decrypted, so the credential of the repository, the password of "
            "visitors and the token for the forge go too."
        )
    return f"This unsets {', '.join(one['name'] for one in found)}. {_LOST}" if found else ""


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


def _list(patterns: str | None) -> list[str] | None:
    """Split patterns at commas; None stays None."""
    if patterns is None:
        return None
    return [one for pattern in patterns.split(",") if (one := pattern.strip())]


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


COMMANDS = (environment, credential, print_key)
