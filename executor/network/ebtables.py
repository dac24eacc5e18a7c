"""Sets the rules of executor/limits/frames.py, with the ebtables that comes with iptables.

For that, the executor needs what it needs for iptables.
"""

from __future__ import annotations

from collections.abc import Sequence

from executor.limits import frames
from executor.limits.firewall import FirewallZone
from executor.network import rule_commands
from executor.network.rule_commands import RulesRefused

_SAVE = ("ebtables-save", "-t", frames.TABLE)
_RESTORE = ("ebtables-restore", "--noflush")


def separate(networks: Sequence[FirewallZone]) -> None:
    """Keep the containers of each network apart, unless they are. Raises RulesRefused.

    The caller keeps others from setting rules. Blocks for some milliseconds.
    """
    saved = rule_commands.run(_SAVE)
    open_ones = [one for one in networks if not frames.is_set(saved, one)]
    for zone in open_ones:
        try:
            rule_commands.run(_RESTORE, frames.restore(saved, zone, by_name=True))
        except RulesRefused:
            # Not every kernel can match the name of a bridge.
            rule_commands.run(_RESTORE, frames.restore(saved, zone, by_name=False))
    for bridge in frames.stale(saved, rule_commands.list_links()) if open_ones else ():
        rule_commands.run(_RESTORE, frames.remove(saved, bridge))


def look() -> None:
    """Raise RulesRefused if this user may not read such rules. Changes nothing."""
    rule_commands.run(_SAVE)
