"""Shell completion: the names that the API knows, and the script that a shell loads.

A completion must be fast. If the API does not answer within a second, it offers nothing.
"""

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem, get_completion_class

from cli.client import credentials
from cli.command_context import CommandContext
from cli.display.sentences import shortened
from cli.errors import CliError
from prevs.event_kinds import KINDS

if TYPE_CHECKING:
    from cli.client.api import Api

SHELLS = ("bash", "zsh", "fish")
_VARIABLE = "_PREVS_COMPLETE"
# A branch may be called `$(reboot)`, so a name that is not a plain word completes as its label.
_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./@+=,-]*", re.ASCII)
_HELP_SIZE = 60
_NEWEST = 100
_INSTALL = {
    "bash": "mkdir -p ~/.local/share/bash-completion/completions\n"
    "prevs completion bash > ~/.local/share/bash-completion/completions/prevs",
    "zsh": 'prevs completion zsh > "${fpath[1]}/_prevs"   # or in another folder of $fpath',
    "fish": "mkdir -p ~/.config/fish/completions\n"
    "prevs completion fish > ~/.config/fish/completions/prevs.fish",
}

Items = list[CompletionItem]


def apps(ctx: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """Return the apps whose names begin with `incomplete`."""
    return _complete(
        ctx,
        lambda api: [
            CompletionItem(app["name"], help=app["repository"]) for app in api.list_apps().found
        ],
        incomplete,
    )


def labels(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Return the branches and tags of the app named before, and the labels of its previews."""
    app = ctx.params.get("app")

    def list_items(api: "Api") -> Items:
        return [
            CompletionItem(label, help=preview["state"])
            for preview in api.list_previews(app=app).found
            for label in preview["labels"]
        ]

    known = [*_complete(ctx, list_items, incomplete), *refs(ctx, param, incomplete)]
    return list({item.value: item for item in known}.values())


def refs(ctx: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """Return the branches and tags of the app named before."""
    app = str(ctx.params.get("app"))

    def list_items(api: "Api") -> Items:
        listed = api.list_refs(app).found
        return [
            CompletionItem(_word(one["name"], one["label"]), help=one["subject"]) for one in listed
        ]

    return _complete(ctx, list_items, incomplete)


def variables(ctx: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """Return the names of the variables of the app named before."""
    app = str(ctx.params.get("app"))
    return _complete(
        ctx,
        lambda api: [CompletionItem(one["name"]) for one in api.show_environment(app)["variables"]],
        incomplete,
    )


def tokens(ctx: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """Return the names of all tokens."""
    return _complete(
        ctx,
        lambda api: [
            CompletionItem(one["name"], help=one["scope"]) for one in api.list_tokens().found
        ],
        incomplete,
    )


def passes(ctx: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """Return the names of the passes of the app named before."""
    app = str(ctx.params.get("app"))
    return _complete(
        ctx,
        lambda api: [
            CompletionItem(one["name"], help=one["kind"]) for one in api.show_access(app)["passes"]
        ],
        incomplete,
    )


def receivers(ctx: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """Return the names of the receivers of the app named before."""
    app = str(ctx.params.get("app"))
    return _complete(
        ctx,
        lambda api: [
            CompletionItem(one["name"], help=one["format"])
            for one in api.list_receivers(app)["receivers"]
        ],
        incomplete,
    )


def event_kinds(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """Return the kinds of events for the last place of a list with commas."""
    before, comma, begin = incomplete.rpartition(",")
    return [
        CompletionItem(f"{before}{comma}{kind.name}", help=kind.when)
        for kind in KINDS
        if kind.name.startswith(begin)
    ]


def jobs(ctx: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """Return the ids of the newest jobs of the app named before."""
    app = str(ctx.params.get("app"))
    return _complete(
        ctx,
        lambda api: [
            CompletionItem(job["id"], help=f"{job['state']} {job['name'] or job['command'][0]}")
            for job in api.list_jobs(app=app, limit=_NEWEST).found
        ],
        incomplete,
    )


def groups(ctx: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """Return the groups of the newest jobs of the app named before, or of all."""
    app = ctx.params.get("app")
    return _complete(
        ctx,
        lambda api: [
            CompletionItem(job["group"], help=job["app"])
            for job in api.list_jobs(app=app, limit=_NEWEST).found
            if job["group"]
        ],
        incomplete,
    )


def schedules(ctx: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """Return the names of the schedules of the app named before."""
    app = str(ctx.params.get("app"))
    return _complete(
        ctx,
        lambda api: [
            CompletionItem(one["name"], help=one["cron"] or f"every {one['every']} s")
            for one in api.list_schedules(app).found
        ],
        incomplete,
    )


def gates(ctx: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """Return the names of the gates."""
    return _complete(
        ctx,
        lambda api: [
            CompletionItem(one["name"], help=one["app"]) for one in api.list_gates().found
        ],
        incomplete,
    )


def stacks(ctx: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """Return the names of the stacks."""
    return _complete(
        ctx,
        lambda api: [
            CompletionItem(one["name"], help=", ".join(each["member"] for each in one["members"]))
            for one in api.list_stacks().found
        ],
        incomplete,
    )


def member_branches(ctx: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """Return the branches of all apps of the stack named before."""
    name = str(ctx.params.get("name"))

    def list_items(api: "Api") -> Items:
        apps = dict.fromkeys(one["app"] for one in api.show_stack(name)["members"])
        return [
            CompletionItem(_word(one["name"], one["label"]), help=app)
            for app in apps
            for one in api.list_refs(app, kind="branch").found
        ]

    return _complete(ctx, list_items, incomplete)


def variants(ctx: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """Return the branches of the open variants of the stack named before, or their names."""
    name = str(ctx.params.get("name"))
    return _complete(
        ctx,
        lambda api: [
            CompletionItem(_word(one["ref"], one["name"]), help=one["by"])
            for one in api.show_stack(name)["variants"]
        ],
        incomplete,
    )


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def print_completion(ctx: click.Context, shell: str) -> None:
    """Print the script that makes SHELL complete commands, options, apps and labels.

    \b
    Examples:
      eval "$(prevs completion bash)"             # in this shell
      prevs completion fish > ~/.config/fish/completions/prevs.fish
    """
    complete = get_completion_class(shell)
    if complete is None:
        raise click.UsageError(f"There is no completion for {shell}.")
    script = complete(ctx.find_root().command, {}, "prevs", _VARIABLE).source().strip()
    first, _, rest = script.partition("\n")
    how = [f"# Completion of prevs for {shell}. To load it in every new shell:"]
    how += [f"#   {line}" for line in _INSTALL[shell].splitlines()]
    # The first line shows zsh which command a file completes.
    lines = [first, *how, rest] if first.startswith("#compdef") else [*how, first, rest]
    click.echo("\n".join(lines))


def _word(name: str, label: str) -> str:
    return name if _WORD.fullmatch(name) else label


def _complete(
    ctx: click.Context, list_items: Callable[["Api"], Iterable[CompletionItem]], begin: str
) -> Items:
    from cli.client.api import Api
    from cli.client.transport import Timeouts

    context = ctx.find_object(CommandContext)
    if context is None:
        return []
    try:
        api = Api(credentials.read(context.environ), Timeouts(0.5, 1.0, 1.0))
    except CliError:
        return []
    try:
        found = {item.value: item for item in list_items(api) if item.value.startswith(begin)}
    except (CliError, KeyError, TypeError):
        return []
    finally:
        api.close()
    for item in found.values():
        item.help = shortened(item.help or "", _HELP_SIZE)
    return list(found.values())
