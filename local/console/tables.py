"""The output of `up` and `status`."""

import time
from collections.abc import Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from local.mesos.access import OPERATOR
from local.settings import Settings

_COLORS = {"ready": "green", "starting": "yellow", "waiting": "red"}


def addresses(settings: Settings, token: str) -> str:
    """Return the addresses of all parts."""
    port = "" if settings.port == 80 else f":{settings.port}"
    return "\n".join(
        (
            f"Addresses  http://<label>.<app>.{settings.domain}{port}/",
            f"Dashboard  {settings.framework_api(1)}/ (sign in with the token)",
            f"API        {settings.api} (token: {token})",
            f"Mesos      http://127.0.0.1:{settings.mesos_port}/state ({sign_in(settings)})",
            f"ZooKeeper  127.0.0.1:{settings.zookeeper_port}",
            f"Logs       prevs local logs PART (or {settings.folder / 'log'})",
        )
    )


def sign_in(settings: Settings) -> str:
    """Return how people sign in to Mesos."""
    return f"user {OPERATOR}, password in {settings.mesos_access.secret_file(OPERATOR)}"


def parts_table(status: Mapping[str, Any]) -> Table:
    """Return a row for each part: its state, since when, its address, and its last problem."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    parts = status.get("parts", [])
    for column in ("part", "state", "for", "pid"):
        table.add_column(column, no_wrap=True)
    table.add_column("address", overflow="fold")
    was_wrong = any(part["restarts"] or part["problem"] for part in parts)
    for column in ("restarts", "last problem") if was_wrong else ():
        table.add_column(column, overflow="fold")
    for part in parts:
        cells = [
            Text(part["name"]),
            Text(part["state"], style=_COLORS.get(part["state"], "")),
            Text(_age(part["changed"])),
            Text(str(part["pid"] or "")),
            Text(part["address"]),
        ]
        troubles = [Text(str(part["restarts"] or "")), Text(part["problem"])]
        table.add_row(*cells, *(troubles if was_wrong else ()))
    return table


def _age(since: float | None) -> str:
    if since is None:
        return ""
    seconds = max(0, int(time.time() - since))
    if seconds < 120:
        return f"{seconds} s"
    if seconds < 7200:
        return f"{seconds // 60} min"
    return f"{seconds // 3600} h"
