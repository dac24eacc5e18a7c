"""Whether a framework may work at a root in ZooKeeper: what it finds there, and what it is told.

Mesos takes an unknown framework id for a new framework's, and every preview would be started
twice: so a framework at another cluster's records, or at no records of ours, has to refuse.
"""

import dataclasses
import re
from collections.abc import Collection, Mapping

from prevs.records import InstallationRecord
from program.zookeeper import list_hosts

_SETTINGS: Mapping[str, str] = {
    "master": "PREVS_MASTER",
    "name": "PREVS_NAME",
    "role": "PREVS_ROLE",
    "user": "the system user it runs as",
    "domain": "PREVS_DOMAIN",
    "principal": "PREVS_PRINCIPAL",
}
_MAY_CHANGE = frozenset({"domain", "principal"})
_OURS = frozenset({"apps", "framework", "placements", "previews", "proxies", "secrets", "tokens"})
_FRAMEWORK_ID = re.compile(rb"[A-Za-z0-9._-]{1,255}")


def name_master(master: str, zookeeper: str) -> str:
    """Return what names a Mesos cluster in the records, from PREVS_MASTER and PREVS_ZOOKEEPER.

    A master that announces itself in the ZooKeeper that holds the records is named by its path
    alone, so that hosts of that ZooKeeper may change. Credentials are left out.
    """
    if not master.startswith("zk://"):
        return master
    authority, _, path = master.removeprefix("zk://").partition("/")
    hosts = authority.rpartition("@")[2].split(",")
    same = set(hosts) == set(list_hosts(zookeeper))
    return f"zk://{'' if same else ','.join(sorted(hosts))}/{path.rstrip('/')}"


def find_difference(
    stored: InstallationRecord, ours: InstallationRecord, *, led: bool
) -> str | None:
    """Return why a framework told `ours` may not work with what is stored; None if it may.

    While nobody leads there (`led`) the domain may change: no address changes while it is in use.
    So may the principal, for a cluster that begins to ask who is who is still the same. A master
    that knows the id by another one refuses that itself; one that was started anew does not.
    """
    told = []
    for field in dataclasses.fields(InstallationRecord):
        if field.name in _MAY_CHANGE and not led:
            continue
        before, now = getattr(stored, field.name), getattr(ours, field.name)
        if before != now:
            told.append(f"{_SETTINGS[field.name]} {before or 'unset'} there, {now or 'unset'} here")
    if not told:
        return None
    return (
        f"is of frameworks with other settings ({'; '.join(told)}). Set what is there, or choose "
        "another PREVS_ROOT. If it is the installation that changes: stop its frameworks, then run "
        "`python -m framework --forget installation`."
    )


def find_stranger(root: str, children: Collection[str], data: bytes, owner: int) -> str | None:
    """Return why a root without an installation cannot be ours; None if it can.

    `owner` is the session whose end removes it, 0 for none.
    """
    others = sorted(set(children) - _OURS)
    if root == "/zookeeper" or root.startswith("/zookeeper/"):
        why = "is ZooKeeper's own"
    elif others:
        why = f"holds what is not of prevs ({', '.join(others[:3])})"
    elif data or owner:
        why = "is some other program's"
    else:
        return None
    return f"{why}. Choose another PREVS_ROOT."


def is_framework_id(data: bytes) -> bool:
    """Tell whether these bytes can be an id that Mesos gave us."""
    return _FRAMEWORK_ID.fullmatch(data) is not None
