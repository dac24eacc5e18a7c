"""Guards apps at a proxy of the tests, as the framework does, and waits until HAProxy does."""

import asyncio
import contextlib
from pathlib import Path
from typing import Any

from kazoo.exceptions import NodeExistsError

from proxy.haproxy import runtime, text
from tests.fakes import access
from tests.integration.haproxy.proxies import Site
from tests.waits import wait_until


def guard(site: Site, app: str, *ids: str, **fields: Any) -> None:
    """Guard an app; `ids` are those of passes in force, `fields` as in tests.fakes.access.guard."""
    write(site, app, access.guard(app, *ids, **fields))
    preflight = "preflight" if fields.get("preflight") else ""
    wait_entry(site, "access", app, f"{fields.get('era', access.ERA)}|{preflight}")
    for one in ids:
        wait_entry(site, "passes", f"{app}/{one}", "1")


def write(site: Site, app: str, data: bytes) -> None:
    """Write an app's record, and do not wait."""
    client, path = site.tree.client, site.tree.paths.app_access(app)
    client.ensure_path(site.tree.paths.access)
    with contextlib.suppress(NodeExistsError):
        client.create(path, data)
        return
    client.set(path, data)


def open_all(site: Site) -> None:
    """Make every app public."""
    client, paths = site.tree.client, site.tree.paths
    client.ensure_path(paths.access)
    for app in client.get_children(paths.access):
        client.delete(paths.app_access(app))
        wait_entry(site, "access", app, None)


def wait_entry(site: Site, name: str, key: str, value: str | None) -> None:
    """Wait until one of HAProxy's maps has a value for a key."""
    path = str(site.proxy.folder / f"{name}.map")
    wait_until(
        lambda: asyncio.run(_find(site.proxy.folder / "haproxy.sock", path, key)) == value,
        f"{key} is {value} in {name}",
        over=site.proxy.ended,
        instead=site.proxy.log.read_text,
    )


async def _find(socket: Path, path: str, key: str) -> str | None:
    async with runtime.connect(socket) as connection:
        return text.found_value(await connection.send(text.get(path, key)))
