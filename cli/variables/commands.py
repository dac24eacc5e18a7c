"""The commands for the variables of an app's containers.

A value may stand in an argument, where the shell's history keeps it and others can read it in
/proc; a name alone asks for its value, from the input or a prompt.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from typing import IO, TYPE_CHECKING

import click

from cli.client.generated import choices
from cli.client.generated.records import ChangedVariables, ShownVariable
from cli.command_context import CommandContext
from cli.commands.secrets import read_value
from cli.commands.sections import Group
from cli.display import tables
from cli.display.output import note, show, show_json
from cli.display.sentences import counted, title
from cli.errors import ApiRefused, NotDone
from cli.names import completion
from cli.names.arguments import app_argument, as_json, confirm, yes
from prevs.names import is_own_variable

if TYPE_CHECKING:
    from dotenv.parser import Original

_LATER = "New attempts use this. Running previews keep what they have."
_LOST = "prevs cannot show secret values again."
_NOT_BOTH = "Give NAME=VALUE for each variable, or one NAME alone, whose value is read."
_ONE_NAME = "Name one variable to read its value, or give NAME=VALUE for each."
_file = click.File("rb")
_OPTIONS = (
    click.option(
        "--plain", is_flag=True, help="Not secret: whoever may read the app sees the value."
    ),
    click.option(
        "--branches", metavar="PATTERNS", help="Commits of these branches get it: main,release/*."
    ),
    click.option("--tags", metavar="PATTERNS", help="Commits of these tags get it: v*."),
    click.option(
        "--for",
        "given_for",
        type=click.Choice(choices.SET_VARIABLE_GIVEN_FOR),
        help="Who gets it: builds, which may mount it, containers at run time, or both.",
    ),
    click.option(
        "--restart", is_flag=True, help="Restart the previews that run with older values."
    ),
    as_json,
)


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


def _with_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say how variables are set, and who gets them."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@environment.command("set")
@app_argument
@click.argument("given", nargs=-1, required=True, metavar="NAME|NAME=VALUE...")
@click.option("--file", type=_file, help="Read the value from this file; - is stdin.")
@_with_options
@click.pass_obj
def set_variables(
    context: CommandContext,
    /,
    app: str,
    given: tuple[str, ...],
    *,
    file: IO[bytes] | None,
    plain: bool,
    restart: bool,
    as_json: bool,
    **scopes: str | None,
) -> None:
    """Set the variable NAME of APP, or several by NAME=VALUE: all of them, or none.

    The value of a NAME alone comes from a file, stdin or a prompt, without the line end at its end.
    A VALUE in an argument stays in the history of your shell, and other users of this machine can
    see it while the command runs. For a secret, use NAME alone.

    Without --branches and --tags, a new variable goes to every commit, and an existing one keeps
    its patterns; "" clears them. In a pattern, * matches anything but a slash, and ** at the end
    matches slashes too.

    \b
    Examples:
      prevs env set shop API_KEY                        # prompts for it
      prevs env set shop MODE=preview LOG_LEVEL=debug --plain
      prevs env set shop TLS_KEY --file server.key --restart
      prevs env set shop API_KEY --branches 'main,release/*' --for run
    """
    order = {"secret": not plain, **_read_scopes(**scopes)}
    pairs = [one for one in given if "=" in one]
    if pairs:
        if file or len(pairs) < len(given):
            raise click.UsageError(_NOT_BOTH)
        _set_several(context, app, {**order, "variables": _split(pairs)}, as_json=as_json)
        _apply(context, app, restart=restart)
        return
    if len(given) > 1:
        raise click.UsageError(_ONE_NAME)
    (name,) = given
    value = read_value(file, f"{name} of {app}")
    done = context.api.set_variable(app, name, {"value": value, **order})
    _show([done], done, context, as_json=as_json)
    _warn_of_scope(app, [done])
    _apply(context, app, restart=restart)


@environment.command("import")
@app_argument
@click.argument("file", type=_file)
@_with_options
@click.pass_obj
def import_variables(
    context: CommandContext,
    /,
    app: str,
    file: IO[bytes],
    *,
    plain: bool,
    restart: bool,
    as_json: bool,
    **scopes: str | None,
) -> None:
    """Set the variables of APP that FILE has, all of them or none; - is stdin.

    FILE is one that dotenv reads: a line NAME=value for each, with quotes and comments. The
    variables that it does not name stay as they are.

    \b
    Examples:
      prevs env import shop .env.preview
      prevs env import shop .env.preview --branches main --restart
      sops --decrypt preview.env | prevs env import shop -
    """
    found = _read_file(file)
    if ours := sorted(filter(is_own_variable, found)):
        note(f"Left out, as prevs sets it itself: {', '.join(ours)}.")
    new = {name: value for name, value in found.items() if name not in ours}
    if not new:
        raise NotDone(f"{file.name} has no variables to set.", "A line sets one: NAME=value.")
    order = {"secret": not plain, **_read_scopes(**scopes), "variables": new}
    _set_several(context, app, order, as_json=as_json)
    _apply(context, app, restart=restart)


def _read_file(file: IO[bytes]) -> dict[str, str]:
    """Return the variables of a file that dotenv reads; the last line with a name holds.

    Raises NotDone with every line that is none.
    """
    from dotenv.parser import parse_stream  # most commands need none of it

    try:
        text = file.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise click.UsageError(f"{file.name} is not text in UTF-8.") from None
    lines = [one for one in parse_stream(io.StringIO(text)) if one.error or one.key is not None]
    if wrong := [one for one in lines if one.error or one.value is None]:
        # A line is not shown: it may be part of a secret.
        where = ", ".join(str(_find_line(one.original)) for one in wrong)
        which = "line" if len(wrong) == 1 else "lines"
        raise NotDone(
            f"{file.name}, {which} {where}: no NAME=value there, or a quote that does not end.",
            "Nothing was set. Comments begin with #.",
        )
    return {one.key: one.value for one in lines if one.key and one.value is not None}


def _apply(context: CommandContext, app: str, *, restart: bool) -> None:
    """Restart the previews of an app that have older values, or say how to."""
    older = [one for one in context.api.list_previews(app=app).found if one["older_variables"]]
    if restart:
        for one in older:
            context.api.restart_preview(app, one["sha"])
            note(f"{title(one)} restarts.")
        if not older:
            note("No preview runs with older values.")
        return
    note(_LATER)
    if older:
        which = ", ".join(title(one) for one in older)
        note(f"Older values are in {which}. `prevs restart` restarts one, --restart does all.")


def _find_line(given: "Original") -> int:
    """Return the line that a binding begins at: blank lines before it belong to it."""
    blank = given.string[: len(given.string) - len(given.string.lstrip())]
    return given.line + blank.count("\n")


def _split(pairs: Sequence[str]) -> Mapping[str, str]:
    """Return the values of NAME=VALUE arguments, by name."""
    found = [one.partition("=")[::2] for one in pairs]
    names = [name for name, _ in found]
    if twice := next((one for one in names if names.count(one) > 1), ""):
        raise click.UsageError(f"{twice} has more than one value here.")
    return dict(found)


def _set_several(
    context: CommandContext, app: str, order: Mapping[str, object], *, as_json: bool
) -> None:
    done = context.api.set_variables(app, order)
    _show(done["variables"], done, context, as_json=as_json)
    note(_count(done))
    _warn_of_scope(app, done["variables"])


def _count(done: ChangedVariables) -> str:
    """Return how many variables were set, and what became of each: "2 variables are set: …"."""
    kinds = (("new", done["new"]), ("changed", done["changed"]), ("as before", done["same"]))
    what = "; ".join(f"{kind}: {', '.join(names)}" for kind, names in kinds if names)
    set_now = counted(done["variables"], "variable is", "variables are")
    return f"{set_now} set ({what})."


def _show(
    variables: Sequence[ShownVariable], found: object, context: CommandContext, *, as_json: bool
) -> None:
    if as_json:
        show_json(found)
    else:
        show(tables.variables(variables, context.now()))


def _read_scopes(
    branches: str | None, tags: str | None, given_for: str | None
) -> Mapping[str, object]:
    """Return the scopes of a variable that were given."""
    scopes = {"branches": _list(branches), "tags": _list(tags), "given_for": given_for}
    return {key: one for key, one in scopes.items() if one is not None}


def _warn_of_scope(app: str, variables: Sequence[ShownVariable]) -> None:
    """Print a warning if every branch gets secret variables."""
    open_to_all = [
        one["name"]
        for one in variables
        if one["secret"] and not (one.get("branches") or one.get("tags"))
    ]
    if open_to_all:
        note(
            f"Every branch that anybody pushes gets {', '.join(open_to_all)} of {app}, and can "
            "show it to its visitors. --branches main gives it to one branch only."
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
    note(_LATER)


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


def _list(patterns: str | None) -> list[str] | None:
    """Split patterns at commas; None stays None."""
    if patterns is None:
        return None
    return [one for pattern in patterns.split(",") if (one := pattern.strip())]


COMMANDS = (environment,)
