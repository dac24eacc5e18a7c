"""Checks the root znode before a framework uses it, and closes it to others. Over kazoo."""

import contextlib
from collections.abc import Collection

from kazoo.client import KazooClient, TransactionRequest
from kazoo.exceptions import (
    BadVersionError,
    NoAuthError,
    NoChildrenForEphemeralsError,
    NodeExistsError,
    NoNodeError,
)
from kazoo.security import ACL

from framework.errors import ForeignState, OtherSettings, Superseded
from framework.zookeeper import installation
from framework.zookeeper.connection import CLOSED, mapped
from framework.zookeeper.rights import Rights
from prevs.paths import Paths
from prevs.records import AppRecord, InstallationRecord, RecordError

_READ = 1
"""The right to read, in the permissions of an ACL (ZooDefs.Perms)."""


def claim(client: KazooClient, paths: Paths, ours: InstallationRecord, *, led: bool) -> None:
    """Check that a root belongs to the installation `ours`; record that if it is new.

    `led` is whether a framework leads there. Raises ForeignState, and then has written nothing;
    Unavailable.
    """
    with mapped(client):
        try:
            stored = _read(client, paths.installation)
            if stored is None:
                _look_around(client, paths)
            _check_id(client, paths.framework_id)
            if stored is None:
                stored = _write(client, paths, ours)
        except NoAuthError:
            raise ForeignState(paths.root, CLOSED) from None
        except NoChildrenForEphemeralsError:
            why = "is an ephemeral znode of another program. Choose another PREVS_ROOT."
            raise ForeignState(paths.root, why) from None
    try:
        found = InstallationRecord.decode(stored)
    except RecordError as error:
        why = f"cannot be read by this version of prevs ({error}). Run the version that wrote it."
        raise ForeignState(paths.installation, why) from None
    if difference := installation.find_difference(found, ours, led=led):
        raise OtherSettings(paths.installation, difference)


def take_over(client: KazooClient, paths: Paths, ours: InstallationRecord, epoch: int) -> None:
    """Claim the root for a new leader; store the settings in `ours` that may change.

    Raises ForeignState, Superseded, Unavailable.
    """
    claim(client, paths, ours, led=False)
    if holds(client, paths.installation) != ours.encode().decode():
        request = client.transaction()
        request.set_data(paths.installation, ours.encode())
        _commit(client, request, paths, epoch)


def close(client: KazooClient, rights: Rights) -> bool:
    """Close everything at a root to all but the frameworks; return whether that was needed.

    For the leader, before `grant`. The root itself comes last: if it is closed, everything below
    it is. Clients close their new znodes meanwhile. Raises ForeignState, Unavailable.
    """
    root = rights.paths.root
    with mapped(client):
        if client.get_acls(root)[0] == [rights.all]:
            return False
        _close(client, root, rights)
    return True


def grant(client: KazooClient, rights: Rights) -> bool:
    """Give proxies the rights that they need, and no more; return whether that was needed.

    For the leader, once all znodes exist. The parents of the proxies' own records, of gates and of
    who may look come last: if their rights are right, all are. Raises ForeignState, Unavailable.
    """
    paths = rights.paths
    with mapped(client):
        last = (paths.access, paths.gates, paths.proxies)
        if all(_same(client.get_acls(path)[0], rights.of(path)) for path in last):
            return False
        apps = (
            *map(paths.app_placements, client.get_children(paths.placements)),
            *map(paths.app_access, client.get_children(paths.access)),
            *map(paths.gate, client.get_children(paths.gates)),
        )
        for path in (*apps, paths.placements, paths.agents, *last):
            with contextlib.suppress(NoNodeError):
                client.set_acls(path, rights.of(path))
    return True


def find_writable(client: KazooClient, paths: Collection[str]) -> list[str]:
    """Return which of the znodes exist and are writable by anybody. Raises Unavailable."""
    found = []
    with mapped(client):
        for path in paths:
            with contextlib.suppress(NoNodeError, NoAuthError):
                if any(_lets_write(acl) for acl in client.get_acls(path)[0]):
                    found.append(path)
    return found


def holds(client: KazooClient, path: str) -> str | None:
    """Return the content of a znode as text; None if there is none. Raises Unavailable."""
    with mapped(client):
        data = _read(client, path)
    return None if data is None else data.decode("utf-8", "replace")


def has_records(client: KazooClient, paths: Paths) -> bool:
    """Return whether a framework has ever led at a root. Raises Unavailable."""
    with mapped(client):
        return client.exists(paths.previews) is not None


def forget_installation(client: KazooClient, paths: Paths, epoch: int) -> None:
    """Remove the installation record, for the leader. Raises Superseded, Unavailable."""
    request = client.transaction()
    request.delete(paths.installation)
    _commit(client, request, paths, epoch)


def forget_id(client: KazooClient, paths: Paths, epoch: int) -> None:
    """Write an empty framework id: it shows that an operator has removed the id.

    For the leader. Raises Superseded, Unavailable.
    """
    request = client.transaction()
    if holds(client, paths.framework_id) is None:
        request.create(paths.framework_id, b"")
    else:
        request.set_data(paths.framework_id, b"")
    _commit(client, request, paths, epoch)


def _commit(client: KazooClient, request: TransactionRequest, paths: Paths, epoch: int) -> None:
    request.check(paths.leader, epoch)
    with mapped(client):
        if any(isinstance(result, BadVersionError) for result in request.commit()):
            raise Superseded(paths.leader)


def _lets_write(acl: ACL) -> bool:
    return acl.id.scheme == "world" and bool(acl.perms & ~_READ)


def _same(found: Collection[ACL], wanted: Collection[ACL]) -> bool:
    return sorted(found) == sorted(wanted)


def _close(client: KazooClient, path: str, rights: Rights) -> None:
    with contextlib.suppress(NoNodeError):  # a proxy that has gone meanwhile
        for child in client.get_children(path):
            _close(client, f"{path}/{child}", rights)
        if not rights.are_a_proxys(path, client.get_acls(path)[0]):
            client.set_acls(path, [rights.all])


def _read(client: KazooClient, path: str) -> bytes | None:
    try:
        return client.get(path)[0]
    except NoNodeError:
        return None


def _write(client: KazooClient, paths: Paths, ours: InstallationRecord) -> bytes:
    """Write the installation, unless another framework was faster; return the stored bytes."""
    try:
        client.create(paths.installation, ours.encode(), makepath=True)
    except NodeExistsError:
        return client.get(paths.installation)[0]
    return ours.encode()


def _look_around(client: KazooClient, paths: Paths) -> None:
    """Raise ForeignState if a root without an installation record cannot be ours."""
    try:
        data, stat = client.get(paths.root)
    except NoNodeError:
        children: list[str] = []
        data, owner = b"", 0
    else:
        children, owner = client.get_children(paths.root), stat.ephemeralOwner
    if why := installation.find_stranger(paths.root, children, data, owner):
        raise ForeignState(paths.root, why)
    if "apps" in children:
        apps = [client.get(paths.app(name))[0] for name in client.get_children(paths.apps)]
        if apps and not any(_is_app(data) for data in apps):
            raise ForeignState(
                paths.apps, "does not hold an app of prevs. Choose another PREVS_ROOT."
            )


def _check_id(client: KazooClient, path: str) -> None:
    data = _read(client, path)
    if data and not installation.is_framework_id(data):
        why = (
            f"does not hold a Mesos framework id ({data[:40]!r}). Choose another PREVS_ROOT, or "
            "run `python -m framework --forget id`."
        )
        raise ForeignState(path, why)


def _is_app(data: bytes) -> bool:
    try:
        AppRecord.decode(data)
    except RecordError:
        return False
    return True
