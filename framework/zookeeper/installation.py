"""Whether a framework may use a root in ZooKeeper, given what is there and its own settings.

A framework must refuse the records of another cluster, and a root that is not ours. Mesos would
take the stored framework id for that of a new framework, and every preview would start twice.
"""

import dataclasses
import re
from collections.abc import Collection, Mapping

from prevs.records import InstallationRecord
from program.settings.zookeeper import list_hosts

_SETTINGS: Mapping[str, str] = {
    "master": "PREVS_MASTER",
    "name": "PREVS_NAME",
    "role": "PREVS_ROLE",
    "user": "the system user it runs as",
    "domain": "PREVS_DOMAIN",
    "principal": "PREVS_PRINCIPAL",
    "jobs_role": "PREVS_JOBS_ROLE",
}
_MAY_CHANGE = frozenset({"domain", "principal", "jobs_role"})
_OURS = frozenset(
    {
        "access",
        "apps",
        "framework",
        "gates",
        "jobs",
        "jobs-ended",
        "payloads",
        "placements",
        "previews",
        "proxies",
        "pulls",
        "repositories",
        "results",
        "roles",
        "schedules",
        "secrets",
        "stacks",
        "tokens",
    }
)
_FRAMEWORK_ID = re.compile(rb"[A-Za-z0-9._-]{1,255}")


def name_master(master: str, zookeeper: str) -> str:
    """Return the name of a Mesos cluster in the records, from PREVS_MASTER and PREVS_ZOOKEEPER.

    A master that announces itself in the same ZooKeeper as the records is named by its path alone,
    so that the hosts of that ZooKeeper may change. Credentials are left out.
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
    """Return why a framework with the settings `ours` may not use what is stored; None if it may.

    `led` is whether a framework leads there. While none leads, the domain may change, because no
    address is in use; so may the principal, because a cluster stays the same when it begins to
    authenticate; and the role of jobs, because Mesos lets a framework change its roles, and tasks
    keep what they have. A master that knows the framework id under another principal refuses that
    itself, except after a restart of the master.
    """
    differences, may_change = [], True
    for field in dataclasses.fields(InstallationRecord):
        if field.name in _MAY_CHANGE and not led:
            continue
        before, now = getattr(stored, field.name), getattr(ours, field.name)
        if before != now:
            name = _SETTINGS[field.name]
            may_change = may_change and field.name in _MAY_CHANGE
            differences.append(f"{name} {before or 'unset'} there, {now or 'unset'} here")
    if not differences:
        return None
    if may_change:
        change = "stop all its frameworks, then start them with the new settings."
    else:
        change = "stop its frameworks, then run `python -m framework --forget installation`."
    return (
        f"belongs to frameworks with other settings ({'; '.join(differences)}). Use the same "
        f"settings, or choose another PREVS_ROOT. If the installation itself changes: {change}"
    )


def find_stranger(root: str, children: Collection[str], data: bytes, owner: int) -> str | None:
    """Return why a root without an installation record cannot be ours; None if it can.

    `owner` is the session that owns the root as an ephemeral znode, 0 for none.
    """
    others = sorted(set(children) - _OURS)
    if root == "/zookeeper" or root.startswith("/zookeeper/"):
        why = "is ZooKeeper's own"
    elif others:
        why = f"holds znodes that are not from prevs ({', '.join(others[:3])})"
    elif data or owner:
        why = "belongs to another program"
    else:
        return None
    return f"{why}. Choose another PREVS_ROOT."


def is_framework_id(data: bytes) -> bool:
    """Return whether these bytes can be a framework id of Mesos."""
    return _FRAMEWORK_ID.fullmatch(data) is not None
