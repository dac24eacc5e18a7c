"""The commands about variants of stacks. VARIANT is the name of one, or the branch it follows."""

from collections.abc import Sequence

import click

from cli.client.generated.records import StackVariant
from cli.command_context import CommandContext
from cli.display.output import note, show_json
from cli.names import completion
from cli.names.arguments import as_json, confirm, stack_argument, variant_argument, yes
from cli.stacks import stack_files as files
from cli.stacks import stack_sentences as sentences
from cli.stacks.variant_names import find_name

_PAUSE = 0.5
_PROXY_SECONDS = 10.0
"""How long proxies may take."""


@click.command("open")
@stack_argument
@click.argument("branch", shell_complete=completion.member_branches)
@click.option("--at", multiple=True, metavar="MEMBER=LABEL", help="The branch or tag of a member.")
@click.option(
    "--own",
    multiple=True,
    metavar="MEMBER|all",
    help="Give it an instance of its own, with data of its own, though it is not changed.",
)
@click.option("--no-wait", is_flag=True, help="Do not wait until all proxies know it.")
@as_json
@click.pass_obj
def open_variant(
    context: CommandContext,
    /,
    name: str,
    branch: str,
    *,
    at: Sequence[str],
    own: Sequence[str],
    no_wait: bool,
    as_json: bool,
) -> None:
    """Open the variant BRANCH of the stack NAME, and print its address.

    Each member whose repository has the branch or tag BRANCH is at it, and all others are as usual.
    If none has it, BRANCH is only a name. Nothing starts before the first request to an address.
    Opening it again writes it anew.

    \b
    Examples:
      prevs stack open shop feature/x
      prevs stack open shop try-search --at cart=v2 --own web
      curl "$(prevs stack open shop feature/x)"
    """
    opened = context.api.open_variant(name, files.read_variant(branch, at, own))
    variant = opened if no_wait else await_proxies(context, opened)
    if as_json:
        show_json(variant)
        return
    note(f"{variant['name']} of {name} is open. {sentences.describe_places(variant)}")
    note(_tell(variant))
    click.echo(variant["url"])


@click.command("stop")
@stack_argument
@variant_argument
@as_json
@click.pass_obj
def stop(context: CommandContext, name: str, variant: str, *, as_json: bool) -> None:
    """Stop what runs in VARIANT alone; the next request starts it again."""
    found = context.api.stop_variant(name, _find(context, name, variant))
    said = "stops what it has apart. The next request to an address starts it again"
    _report(found, said, as_json=as_json)


@click.command("pin")
@stack_argument
@variant_argument
@as_json
@click.pass_obj
def pin(context: CommandContext, name: str, variant: str, *, as_json: bool) -> None:
    """Keep what runs in VARIANT from stopping when idle, or to make room."""
    found = context.api.pin_variant(name, _find(context, name, variant))
    said = f"is pinned. `prevs stack unpin {name} {found['name']}` lets it stop when idle again"
    _report(found, said, as_json=as_json)


@click.command("unpin")
@stack_argument
@variant_argument
@as_json
@click.pass_obj
def unpin(context: CommandContext, name: str, variant: str, *, as_json: bool) -> None:
    """Let what runs in VARIANT stop when idle, or to make room."""
    found = context.api.unpin_variant(name, _find(context, name, variant))
    _report(found, "is not pinned: what it has apart stops when idle", as_json=as_json)


@click.command("close")
@stack_argument
@variant_argument
@yes
@click.pass_obj
def close(context: CommandContext, name: str, variant: str, yes: bool) -> None:
    """Close VARIANT: what runs in it alone stops, and goes.

    Its data stay on their agents until these need the room, as those of any preview do. The command
    asks for confirmation.
    """
    stack = context.api.show_stack(name)
    found = find_name(stack, variant)
    opened = [one for one in stack["variants"] if one["name"] == found]
    if opened and not yes:
        confirm(f"Close {found} of {name}?", sentences.describe_closing(opened[0]))
    context.api.close_variant(name, found)
    note(f"{found} of {name} is closed. `prevs stack open {name} {variant}` opens it again.")


def await_proxies(context: CommandContext, opened: StackVariant) -> StackVariant:
    """Return what was `opened` once all proxies know it, or after a while. On Ctrl-C it stays."""
    stack, name, until = opened["stack"], opened["name"], context.now() + _PROXY_SECONDS
    variant = opened
    try:
        while variant["behind"] != 0 and context.now() < until:
            context.pause(_PAUSE)
            variant = context.api.show_variant(stack, name)
    except KeyboardInterrupt:
        note(f"It is open. `prevs stack show {stack} {name}` shows how many proxies know it.")
        raise
    return variant


def _find(context: CommandContext, name: str, variant: str) -> str:
    return find_name(context.api.show_stack(name), variant)


def _report(variant: StackVariant, said: str, *, as_json: bool) -> None:
    if as_json:
        show_json(variant)
    else:
        note(f"{variant['name']} of {variant['stack']} {said}.")


def _tell(variant: StackVariant) -> str:
    show = f"`prevs stack show {variant['stack']} {variant['name']}`"
    if variant["behind"] == 0:
        return f"All proxies know it; the first request starts what is apart. {show} shows it."
    return f"Not every proxy has confirmed the variant. {show} shows how many do not."


COMMANDS = (open_variant, stop, pin, unpin, close)
