"""Waits until all proxies know a variant as it is."""

from cli.client.generated.records import StackVariant
from cli.command_context import CommandContext
from cli.display.output import note

_PAUSE = 0.5
_PROXY_SECONDS = 10.0
"""How long proxies may take."""


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
