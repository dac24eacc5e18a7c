"""Checks from this machine that the ports of previews at their agents are for proxies alone."""

import contextlib
import socket
from collections.abc import Callable, Sequence

from cli.client.generated.records import Preview
from cli.doctor.findings import Finding, ok, skipped, warning

_SECONDS = 2.0
_MOST = 4
"""How many agents are tried; what is closed answers nothing, so each takes all its time."""


def accepts(host: str, port: int) -> bool:
    """Return whether a connection is accepted there. Blocks for two seconds at most."""
    with contextlib.suppress(OSError), socket.create_connection((host, port), _SECONDS):
        return True
    return False


def look_at_ports(
    previews: Sequence[Preview], accepts: Callable[[str, int], bool] = accepts
) -> list[Finding]:
    """Return at which agents previews answer this machine directly, past the proxies."""
    places: dict[str, int] = {}
    for preview in previews:
        agent, port = preview["agent"], preview["host_port"]
        if preview["state"] == "running" and agent and agent["host"] and port:
            places.setdefault(agent["host"], port)
    if not places:
        return [skipped("ports", "Not checked: no preview runs.")]
    tried = list(places.items())[:_MOST]
    opened = [f"{host}:{port}" for host, port in tried if accepts(host, port)]
    if not opened:
        hosts = ", ".join(host for host, _ in tried)
        return [ok("ports", f"From this machine no preview is reached past the proxies ({hosts}).")]
    message = (
        f"This machine reaches previews past the proxies, at {', '.join(opened)}: nobody checks "
        "who may look there."
    )
    advice = (
        "If no proxy runs on this machine, and you are not root of the agent: executors have to "
        "set iptables rules there, as `executor.pyz doctor` on the agent shows "
        "(docs/operating/access.md)."
    )
    return [warning("ports", message, advice)]
