"""`python -m framework --forget ...`: for an operator, when no framework may decide by itself."""

import sys
from collections.abc import Mapping

from kazoo.client import KazooClient

from framework.errors import Fatal, Unavailable
from framework.settings import Settings
from framework.zookeeper import connection, root_znode
from framework.zookeeper.election import Election
from prevs.paths import Paths

LEADS, NO_ZOOKEEPER = 1, 4

_MEANS: Mapping[str, str] = {
    "id": (
        "The next framework registers under a new id, and starts again what ran. This does not "
        "end tasks that still run under the old id: tear it down in Mesos first, unless it is "
        "removed already."
    ),
    "installation": (
        "The next framework stores its installation again. The apps, the previews and "
        "the framework id are kept; on another Mesos cluster nothing of that id runs."
    ),
}
THINGS = tuple(_MEANS)


def forget(chosen: Settings, thing: str, patience: float) -> int:
    """Remove the framework id or the installation, unless a framework leads; return the exit code.

    Prints what it did, or why it did nothing. Waits `patience` seconds for ZooKeeper.
    """
    try:
        client = connection.connect(chosen.zookeeper, patience, chosen.identities())
        try:
            return _forget(client, Paths(chosen.root), thing)
        finally:
            client.stop()
            client.close()
    except Unavailable as error:
        print(error, file=sys.stderr)
        return NO_ZOOKEEPER
    except Fatal as error:
        print(error, file=sys.stderr)
        return error.exit_code


def _forget(client: KazooClient, paths: Paths, thing: str) -> int:
    path = paths.framework_id if thing == "id" else paths.installation
    value = root_znode.holds(client, path)
    # A lost id can be forgotten too: until then no framework registers under a new one.
    was_lost = thing == "id" and value is None and root_znode.has_records(client, paths)
    if not value and not was_lost:
        print(f"There is no {path} in ZooKeeper; nothing was done.")
        return 0
    epoch = Election(client, paths, "").try_to_win()
    if epoch is None:
        print(
            "A framework leads; nothing was done. Stop every framework first, and wait some "
            "seconds if one was killed.",
            file=sys.stderr,
        )
        return LEADS
    (root_znode.forget_id if thing == "id" else root_znode.forget_installation)(
        client, paths, epoch
    )
    print(f"{path} is forgotten; it was {value or 'lost'}. {_MEANS[thing]}")
    return 0
