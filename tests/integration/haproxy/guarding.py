"""Guards apps at a proxy of the tests, as the framework does, and waits until HAProxy does."""

import contextlib
from collections.abc import Iterator
from typing import Any

from kazoo.exceptions import NodeExistsError

from proxy.haproxy import text
from proxy.model.access import AppAccess
from tests.fakes import access
from tests.fakes.placements import OTHER_SHA, SHA, placement
from tests.integration.haproxy.proxies import Site, Upstream, upstream
from tests.waits import wait_until

HOST = "main.shop.localhost"
STOPPED, FAILED, UNKNOWN = (f"{label}.shop.localhost" for label in ("stopped", "failed", "nope"))
STOPPED_SHA, NEXT_SHA = "a" * 40, "b" * 40
HOSTS = (HOST, STOPPED, FAILED, UNKNOWN)


@contextlib.contextmanager
def shop(site: Site) -> Iterator[Upstream]:
    """A guarded app whose label `main` runs, another has failed, another was stopped."""
    with upstream("shop") as application:
        site.world.add("shop", "main", SHA)
        for label, sha in (("stopped", STOPPED_SHA), ("failed", OTHER_SHA)):
            site.world.add("shop", label, sha)
            site.world.start("shop", label)
            site.world.move("shop", sha, label)
        site.route("shop", {SHA: placement("shop", SHA, application.port, "main")})
        guard(site, "shop", "good-id")
        yield application
        open_all(site)


def cookie(text: str) -> dict[str, str]:
    """Return the header of a visitor with a pass, and with cookies of the application."""
    return {"Cookie": f"a=1; prevs-access={text}; b=2"}


def guard(site: Site, app: str, *ids: str, **fields: Any) -> None:
    """Guard an app; `ids` are those of passes in force, `fields` as in tests.fakes.access.guard."""
    write(site, app, access.guard(app, *ids, **fields))
    wanted = {name: fields[name] for name in ("era", "preflight", "team") if name in fields}
    wait_entry(site, "access", app, str(AppAccess(**{"era": access.ERA, **wanted})))
    # The hosts move after that. Until then, those of an app that was public still are.
    wait_entry(site, "routes", f"main.{app}.localhost", None)
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
    question = text.get(str(site.proxy.folder / f"{name}.map"), key)
    wait_until(
        lambda: text.found_value(site.proxy.tell(question)) == value,
        f"{key} is {value} in {name}",
        over=site.proxy.ended,
        instead=site.proxy.log.read_text,
    )
