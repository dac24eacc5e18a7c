"""The commands for an app's variables and for the credential of its repository.

No value is ever an argument: the shell's history keeps arguments, and others can read them in
/proc.
"""

import sys
from typing import IO

import click

from cli.command_context import CommandContext
from cli.commands.sections import Group
from cli.display import tables
from cli.display.output import note, show, show_json
from cli.names import completion
from cli.names.arguments import app_argument, as_json

LATER = "It holds for attempts that begin from now on; what runs keeps what it has."
_file = click.File("rb")


@click.group("env", cls=Group)
def environment() -> None:
    """List, set and unset the variables of an app's containers.

    They are kept sealed. A secret one is shown to nobody, and is *** where a log would have it.
    """


@environment.command("ls")
@app_argument
@as_json
@click.pass_obj
def list_variables(context: CommandContext, app: str, *, as_json: bool) -> None:
    """List the variables of APP; the values of secret ones are not shown."""
    found = context.api.secrets.variables(app)
    if as_json:
        show_json(found)
    elif found:
        show(tables.variables(found, context.now()))
    else:
        note(f"Nothing is set for {app}. `prevs env set {app} NAME` sets a variable.")


@environment.command("set")
@app_argument
@click.argument("name")
@click.option("--file", type=_file, help="Where its value is read from; - is the input.")
@click.option("--plain", is_flag=True, help="It is no secret: who may read the app may see it.")
@click.option(
    "--branches", metavar="PATTERNS", help="Of which branches commits have it: main,release/*."
)
@click.option("--tags", metavar="PATTERNS", help="Of which tags commits have it: v*.")
@click.option(
    "--for",
    "given_for",
    type=click.Choice(["build", "run", "both"]),
    help="Whether builds may mount it, containers have it, or both.",
)
@as_json
@click.pass_obj
def set_variable(  # noqa: PLR0913 - click gives each option by name
    context: CommandContext,
    app: str,
    name: str,
    *,
    file: IO[bytes] | None,
    plain: bool,
    branches: str | None,
    tags: str | None,
    given_for: str | None,
    as_json: bool,
) -> None:
    """Set the variable NAME of APP, to what comes on the input, or what you then type.

    A line end at the end is left out. Without --branches and --tags a new variable is for every
    commit, and one that was set before is for whom it was; "" clears the patterns. In a pattern *
    stands for no slash, and ** at the end for all that follows.

    \b
    Examples:
      prevs env set shop API_KEY                        # asks for it
      prevs env set shop MODE --plain <<< preview
      prevs env set shop TLS_KEY --file server.key
      prevs env set shop API_KEY --branches 'main,release/*' --for run
    """
    scope = {
        name: one
        for name, one in (
            ("branches", _list(branches)),
            ("tags", _list(tags)),
            ("given_for", given_for),
        )
        if one is not None
    }
    value = _read(file, f"{name} of {app}")
    done = context.api.secrets.set_variable(app, name, value, secret=not plain, scope=scope)
    if as_json:
        show_json(done)
    else:
        show(tables.variables([done], context.now()))
    note(LATER)
    if done["secret"] and not (done.get("branches") or done.get("tags")):
        note(
            f"Every branch that anybody pushes has {name} of {app}, and can tell it to its "
            "visitors. --branches main gives it to one."
        )


@environment.command("unset")
@app_argument
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=completion.variables)
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Every variable; where they cannot be opened any more, the credential too.",
)
@click.pass_obj
def unset_variables(
    context: CommandContext, app: str, names: tuple[str, ...], *, everything: bool
) -> None:
    """Remove variables of APP."""
    if bool(names) == everything:
        raise click.UsageError("Say which variables, or --all.")
    if everything:
        context.api.secrets.unset_all(app)
    for name in names:
        context.api.secrets.unset_variable(app, name)
    note(LATER)


@click.group(cls=Group)
def credential() -> None:
    """Show, set and unset how an app's repository is read."""


@credential.command("show")
@app_argument
@as_json
@click.pass_obj
def show_credential(context: CommandContext, app: str, *, as_json: bool) -> None:
    """Show how the repository of APP is read, without what makes it secret."""
    found = context.api.secrets.credential(app)
    if as_json:
        show_json(found)
    else:
        show(tables.credential_details(found, context.now()))


@credential.command("set")
@app_argument
@click.option("--username", default="", help="The user of a password or token, where one is asked.")
@click.option("--password-file", type=_file, help="Where the password or token is read from.")
@click.option("--private-key", type=_file, help="A file with a key for ssh, not locked.")
@click.option("--known-hosts", type=_file, help="A file with what `ssh-keyscan HOST` prints.")
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
    """Have the repository of APP be read with a password or token, or with a key for ssh.

    Without a key the password comes on the input, or is asked for.

    \b
    Examples:
      prevs credential set shop --username deploy       # asks for the token
      ssh-keyscan git.example.org > hosts               # compare it with what its owner says
      prevs credential set shop --private-key deploy_key --known-hosts hosts
    """
    order = {"username": username} if username else {}
    if private_key:
        order["private_key"] = _read(private_key, "")
    else:
        order["password"] = _read(password_file, f"Password or token for {app}")
    if known_hosts:
        order["known_hosts"] = _read(known_hosts, "")
    done = context.api.secrets.set_credential(app, order)
    if as_json:
        show_json(done)
    else:
        show(tables.credential_details(done, context.now()))


@credential.command("unset")
@app_argument
@click.pass_obj
def unset_credential(context: CommandContext, app: str) -> None:
    """Have the repository of APP be read without a credential."""
    context.api.secrets.unset_credential(app)
    note(f"The repository of {app} is read without a credential now.")


@click.command("key")
def print_key() -> None:
    """Print a new key for PREVS_KEY_FILE, which seals what apps are given.

    \b
    Examples:
      (umask 077 && prevs key > /etc/prevs/keys)        # every framework needs the same file
    """
    from program.settings.keys import new_key

    click.echo(new_key())


def _list(patterns: str | None) -> list[str] | None:
    """Split patterns at commas; None stays None."""
    if patterns is None:
        return None
    return [one for pattern in patterns.split(",") if (one := pattern.strip())]


def _read(file: IO[bytes] | None, what: str) -> str:
    """Return the text of a file, of the input, or what somebody types unseen."""
    if file is None and sys.stdin.isatty():
        return str(click.prompt(what, hide_input=True, err=True))
    source = file or sys.stdin.buffer
    try:
        text = source.read().decode()
    except UnicodeDecodeError:
        raise click.UsageError(f"{source.name} is no text in UTF-8.") from None
    return text.removesuffix("\n").removesuffix("\r")


COMMANDS = (environment, credential, print_key)
