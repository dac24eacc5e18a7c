"""What a shell completes: names that the API knows, and the script that has the shell ask.

Nobody waits for a completion: an API that does not answer within a second completes nothing.
"""

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem, get_completion_class

from cli import credentials
from cli.errors import CliError
from cli.sentences import shortened
from cli.surroundings import Surroundings

if TYPE_CHECKING:
    from cli.api import Api

SHELLS = ("bash", "zsh", "fish")
_VARIABLE = "_PREVS_COMPLETE"
# A branch may be called `$(reboot)`: what a shell would not take as a word is completed as a label.
_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./@+=,-]*", re.ASCII)
_HELP_SIZE = 60
_INSTALL = {
    "bash": "mkdir -p ~/.local/share/bash-completion/completions\n"
    "prevs completion bash > ~/.local/share/bash-completion/completions/prevs",
    "zsh": 'prevs completion zsh > "${fpath[1]}/_prevs"   # or in another folder of $fpath',
    "fish": "mkdir -p ~/.config/fish/completions\n"
    "prevs completion fish > ~/.config/fish/completions/prevs.fish",
}

Items = list[CompletionItem]


def apps(ctx: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """Return the apps whose names begin so."""
    return _ask(
        ctx,
        lambda api: [CompletionItem(app["name"], help=app["repository"]) for app in api.apps()],
        incomplete,
    )


def labels(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Return the branches and tags of the app that was named before, and what was started of it."""
    app = ctx.params.get("app")

    def ask(api: "Api") -> Items:
        return [
            CompletionItem(label, help=preview["state"])
            for preview in api.previews(app=app)
            for label in preview["labels"]
        ]

    known = [*_ask(ctx, ask, incomplete), *refs(ctx, param, incomplete)]
    return list({item.value: item for item in known}.values())


def refs(ctx: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """Return the branches and tags of the app that was named before."""
    app = str(ctx.params.get("app"))

    def ask(api: "Api") -> Items:
        listed = api.refs(app).found
        return [
            CompletionItem(_word(one["name"], one["label"]), help=one["subject"]) for one in listed
        ]

    return _ask(ctx, ask, incomplete)


def variables(ctx: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """Return the names of the variables of the app that was named before."""
    app = str(ctx.params.get("app"))
    return _ask(
        ctx,
        lambda api: [CompletionItem(one["name"]) for one in api.given.variables(app)],
        incomplete,
    )


def tokens(ctx: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """Return the names of the tokens that there are."""
    return _ask(
        ctx,
        lambda api: [CompletionItem(one["name"], help=one["scope"]) for one in api.tokens()],
        incomplete,
    )


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def print_completion(ctx: click.Context, shell: str) -> None:
    """Print what makes SHELL complete commands, apps and labels.

    Also options and states.

    \b
    Examples:
      eval "$(prevs completion bash)"             # in this shell
      prevs completion fish > ~/.config/fish/completions/prevs.fish
    """
    complete = get_completion_class(shell)
    if complete is None:
        raise click.UsageError(f"{shell} cannot be helped.")
    script = complete(ctx.find_root().command, {}, "prevs", _VARIABLE).source().strip()
    first, _, rest = script.partition("\n")
    how = [f"# Completion of prevs for {shell}. To have it in every new shell:"]
    how += [f"#   {line}" for line in _INSTALL[shell].splitlines()]
    # zsh finds out from the first line what a file completes.
    lines = [first, *how, rest] if first.startswith("#compdef") else [*how, first, rest]
    click.echo("\n".join(lines))


def _word(name: str, label: str) -> str:
    return name if _WORD.fullmatch(name) else label


def _ask(ctx: click.Context, ask: Callable[["Api"], Iterable[CompletionItem]], begin: str) -> Items:
    from cli.api import Api, Patience

    around = ctx.find_object(Surroundings)
    if around is None:
        return []
    try:
        api = Api(credentials.read(around.environ), Patience(0.5, 1.0, 1.0))
    except CliError:
        return []
    try:
        found = {item.value: item for item in ask(api) if item.value.startswith(begin)}
    except (CliError, KeyError, TypeError):
        return []
    finally:
        api.close()
    for item in found.values():
        item.help = shortened(item.help or "", _HELP_SIZE)
    return list(found.values())
