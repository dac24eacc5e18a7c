"""`prevs app …`: the registered repositories."""

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.client.generated.records import Ref, Refs
from cli.client.paging import Listed
from cli.command_context import CommandContext
from cli.commands.cluster import warn_of_size
from cli.commands.sections import Group
from cli.display import tables
from cli.display.output import note, show, show_json
from cli.display.progress import waiting_line
from cli.errors import ApiRefused, NotDone
from cli.names.arguments import as_json, confirm, name_argument, yes
from cli.names.declared_options import option_of
from prevs.apps import AppRecord
from prevs.declarations import list_settings

if TYPE_CHECKING:
    from cli.client.api import Api

Command = Callable[..., Any]

_READING, _AWAY = "reading-repository", "unavailable"
_PAUSE = 1.0
_TELL_SECONDS = 30.0
"""How often a new line tells that a repository is still being read."""
_SILENT_SECONDS = 15.0
"""As long as the waiting room does not say so either."""
_PATIENCE = 120.0
"""How long a framework that another one replaces may be away, or an older one may read."""


def settings(command: Command) -> Command:
    """Add the options of an app's settings. The API checks them, all at once."""
    for one in reversed(list_settings(AppRecord)):
        if one.name != "repository":
            command = option_of(one)(command)
    return command


def given_settings(options: Mapping[str, object]) -> dict[str, object]:
    """Return the options that were given, without empty items of lists."""
    return {
        key: [one for one in value if one] if isinstance(value, tuple) else value
        for key, value in options.items()
        if value is not None and value != ()
    }


def located(repository: str, folder: Path) -> str:
    """Return a repository's address. A path, relative to `folder`, becomes absolute."""
    looks_like_path = repository.startswith((".", "/", "~"))
    path = folder / Path(repository).expanduser()
    if "://" in repository or not (looks_like_path or path.exists()):
        return repository
    return os.path.normpath(path)


@click.group(cls=Group)
def app() -> None:
    """Add, list, change and remove apps."""


@app.command()
@click.argument("name")
@click.argument("repository")
@settings
@click.option("--unchecked", is_flag=True, help="Do not check that REPOSITORY can be read.")
@as_json
@click.pass_obj
def add(
    context: CommandContext,
    /,
    name: str,
    repository: str,
    *,
    unchecked: bool,
    as_json: bool,
    **options: object,
) -> None:
    """Register the git repository REPOSITORY as the app NAME.

    REPOSITORY is an address for `git clone` on the framework's machine, or a folder. The command
    waits until it is read, and shows for how long. If it cannot be read, the command fails but
    keeps the app: the repository may need a credential first.

    \b
    Examples:
      prevs app add shop https://git.example.org/shop.git --port 8000 --mem 256
      prevs app add hello ./hello --keep-warm 'mon-fri 08:00-18:00'
      prevs app add web ./monorepo --folder services/web --max-mem 1024
    """
    there = located(repository, Path.cwd())
    added = context.api.add_app({"name": name, "repository": there, **given_settings(options)})
    if as_json:
        show_json(added)
    else:
        show(tables.app_details(added, context.now()))
    _warn_of_size(context.api, options)
    if not unchecked:
        note(_next_step(context, name))


def _warn_of_size(api: "Api", options: Mapping[str, Any]) -> None:
    """Warn of settings that were given and that no agent can meet."""
    cpus, mem = (max(options[one] or 0, options[f"max_{one}"] or 0) for one in ("cpus", "mem"))
    warn_of_size(api, cpus, mem)


def _next_step(context: CommandContext, name: str) -> str:
    """Return the next step for a new app. Raises NotDone if its repository cannot be read."""
    try:
        listed = _read_branches(context, name)
        why, branch = listed.page.get("problem", ""), find_branch(listed.found)
    except ApiRefused as exc:
        if exc.problem.slug != "repository-unreachable":
            raise
        why, branch = str(exc), ""
    if why:
        raise NotDone(
            f"{name} is registered, but none of its commits can start. {why}",
            f"If it needs a login: `prevs credential set {name}`. If its address is wrong: `prevs "
            f"app set {name} --repository …`. To remove the app: `prevs app rm {name}`. `prevs app "
            "add --unchecked` skips this check.",
        )
    if not branch:
        return f"{name} has no branch to start yet: push one."
    return f"`prevs start {name} {branch} --wait` starts its branch {branch}."


def _read_branches(context: CommandContext, name: str) -> Listed[Ref, Refs]:
    """Return the branches of a new app, and show for how long they are read. Blocks until then.

    The framework gives up what takes too long: then ApiRefused has git's reason. On Ctrl-C it
    reads on.
    """
    began = context.now()
    with waiting_line() as line:
        try:
            while True:
                try:
                    return context.api.list_refs(name, kind="branch")
                except ApiRefused as exc:
                    seconds = context.now() - began
                    if not _goes_on(exc.problem.slug, seconds):
                        raise
                line.show(describe_read(name, seconds), seconds // _TELL_SECONDS)
                context.pause(_PAUSE)
        except KeyboardInterrupt:
            line.clear()
            note(f"{name} is registered, and read on: `prevs refs {name}` lists what it has.")
            raise


def _goes_on(slug: str, passed: float) -> bool:
    """Return whether a repository is still read, or a framework replaced, after some seconds."""
    return slug == _READING or (slug == _AWAY and passed < _PATIENCE)


def describe_read(name: str, seconds: float) -> str:
    """Return for how many `seconds` the repository of a new app is read, and why if it is long."""
    said = f"The framework reads the repository of {name} for the first time: {seconds:.0f} s."
    slow = " Its server answers slowly, or not at all." if seconds >= _SILENT_SECONDS else ""
    return f"{said}{slow} Ctrl-C leaves it reading."


def find_branch(branches: Sequence[Ref]) -> str:
    """Return the branch to start first: one with a usual name, else the newest; "" for none."""
    names = [branch["name"] for branch in branches if branch["url"]]
    usual = [name for name in ("main", "master", "trunk") if name in names]
    return next(iter((*usual, *names)), "")


@app.command("ls")
@as_json
@click.pass_obj
def list_apps(context: CommandContext, as_json: bool) -> None:
    """List the apps."""
    apps = context.api.list_apps().found
    if as_json:
        show_json(apps)
    elif apps:
        show(tables.apps(apps, context.now()))
    else:
        note("There are no apps yet. `prevs app add NAME REPOSITORY` registers one.")


@app.command("show")
@name_argument
@as_json
@click.pass_obj
def show_app(context: CommandContext, name: str, as_json: bool) -> None:
    """Show the settings of an app, and how its repository is read."""
    found = context.api.show_app(name)
    if as_json:
        show_json(found)
        return
    hooks = None
    with contextlib.suppress(ApiRefused):  # an older framework does not know the call
        hooks = context.api.show_hooks(name)
    show(tables.app_details(found, context.now(), hooks))


@app.command("set")
@name_argument
@click.option("--repository", help="The address of its git repository.")
@settings
@as_json
@click.pass_obj
def set_app(context: CommandContext, /, name: str, *, as_json: bool, **options: object) -> None:
    """Change settings of an app, for previews that start from now on.

    \b
    Examples:
      prevs app set shop --mem 512 --idle-after 7200
      prevs app set shop --constraint 'zone=a|b' --constraint 'disk!=slow'
    """
    changes = given_settings(options)
    if not changes:
        raise click.UsageError("There is nothing to change. Give a setting, such as --mem 256.")
    if isinstance(repository := changes.get("repository"), str):
        changes["repository"] = located(repository, Path.cwd())
    changed = context.api.change_app(name, changes)
    if as_json:
        show_json(changed)
    else:
        show(tables.app_details(changed, context.now()))
    _warn_of_size(context.api, options)
    if changed.get("warm") == "pulls" and changed.get("pulls_followed") == "off":
        note(
            f"No pull request of {name} is followed, so none is built ahead: `prevs forge set "
            f"{name}` gives it a token for its forge."
        )


@app.command("rm")
@name_argument
@yes
@click.pass_obj
def remove(context: CommandContext, name: str, yes: bool) -> None:
    """Remove an app, stop its previews, and remove all that belongs to it.

    The command says what that is, and asks for confirmation. If somebody changes the app before you
    answer, the app stays.
    """
    tag = None
    if not yes:
        app, tag = context.api.show_seen_app(name)
        confirm(f"Remove {name} ({app['repository']})?", _find_consequence(context.api, name))
    context.api.remove_app(name, if_match=tag)
    note(f"{name} is removed.")


def _find_consequence(api: "Api", name: str) -> str:
    """Return what goes with an app. Raises NotDone if a stack keeps it."""
    try:
        found = api.show_belongings(name)
    except ApiRefused as exc:
        if exc.problem.slug != "not-found":
            raise
        return "This also removes its previews and all that belongs to it."  # an older framework
    if stacks := found["stacks"]:
        raise NotDone(
            f"{name} is a member of the stack {stacks[0]}, so it stays.",
            f"`prevs stack rm {stacks[0]}` removes that stack, `prevs stack set {stacks[0]} FILE` "
            "writes it without the app.",
        )
    return str(found["sentence"])
