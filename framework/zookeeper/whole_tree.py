"""All records below a root, read as they were at one moment, and written where none are.

Over kazoo. For an operator's backup, beside a framework that leads and writes meanwhile.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from kazoo.client import KazooClient
from kazoo.exceptions import BadVersionError, KazooException, NoNodeError, RolledBackError

from framework.errors import Superseded, Unavailable
from framework.zookeeper.connection import mapped
from prevs.paths import Paths

_FOLLOWS = frozenset({"framework", "placements", "proxies"})
"""What is below the root and no record of what somebody wants: who leads, and what follows."""
_ALONE = frozenset({"jobs", "jobs-ended", "payloads", "previews", "pulls", "results"})
"""Each record of these stands alone, and some change all the time."""
_STRICT, _MOST = 20, 60
"""So many looks wait for a moment in which nothing changes, and for one in which of all other
records none does."""
_AT_ONCE = 200
_BYTES = 400_000
"""Of one transaction; ZooKeeper takes a megabyte."""

Tree = Mapping[str, bytes]
"""The content of znodes by their paths below the root, as `apps/hello`."""


class _Node(NamedTuple):
    data: bytes
    written: int  # the id of the transaction that wrote it last


def read_tree(client: KazooClient, paths: Paths) -> Tree:
    """Return all records and the framework id. Blocks; raises Unavailable, ForeignState.

    Every value was there at one moment, between the last two looks; of a cluster that is never
    quiet, those of previews and jobs are a little newer.
    """
    known: dict[str, _Node] = {}
    with mapped(client):
        for look in range(_MOST):
            changed = _look(client, paths, known)
            if not (changed if look < _STRICT else [p for p in changed if _kind(p) not in _ALONE]):
                return {path: node.data for path, node in sorted(known.items())}
    raise Unavailable("A quiet moment of ZooKeeper")


def count_records(client: KazooClient, paths: Paths) -> int:
    """Return how many records there are; parents do not count. Raises Unavailable."""
    with mapped(client):
        return sum(1 for path in _walk(client, paths) if path != "framework/id")


def write_tree(client: KazooClient, paths: Paths, tree: Tree, epoch: int) -> None:
    """Write records below a root, in place of all that are there. For who has the lock.

    The framework id comes last. Raises Superseded, Unavailable.
    """
    with mapped(client):
        for name in _children(client, paths.root):
            if name not in _FOLLOWS or name == "placements":
                client.delete(f"{paths.root}/{name}", recursive=True)
        for path in (paths.framework_id, paths.installation, paths.agents):
            if client.exists(path):
                client.delete(path)
        for parent in sorted({path.rpartition("/")[0] for path in tree}):
            client.ensure_path(f"{paths.root}/{parent}")
        for part in _divide((path, data) for path, data in tree.items() if path != "framework/id"):
            _create(client, paths, part, epoch)
        _create(client, paths, [("framework/id", tree.get("framework/id", b""))], epoch)


def _look(client: KazooClient, paths: Paths, known: dict[str, _Node]) -> list[str]:
    """Make `known` equal to what is there; return the paths that have changed."""
    there = list(_walk(client, paths))
    changed = [path for path in known if path not in set(there)]
    for path in changed:
        del known[path]
    for some in _cut(there):
        asked = [(path, client.exists_async(f"{paths.root}/{path}")) for path in some]
        stale = [
            path
            for path, answer in asked
            if (stat := answer.get()) is None
            or path not in known
            or known[path].written != stat.mzxid
        ]
        changed += stale
        reads = [(path, client.get_async(f"{paths.root}/{path}")) for path in stale]
        for path, read in reads:
            try:
                data, stat = read.get()
            except NoNodeError:
                known.pop(path, None)
            else:
                known[path] = _Node(data, stat.mzxid)
    return changed


def _cut(paths: list[str]) -> Iterator[list[str]]:
    for begin in range(0, len(paths), _AT_ONCE):
        yield paths[begin : begin + _AT_ONCE]


def _walk(client: KazooClient, paths: Paths) -> Iterator[str]:
    """Yield the paths below the root of all records, and of the framework id."""
    if client.exists(paths.framework_id):
        yield "framework/id"
    level = [name for name in _children(client, paths.root) if name not in _FOLLOWS]
    while level:
        asked = [(one, client.get_children_async(f"{paths.root}/{one}")) for one in level]
        level = []
        for path, answer in asked:
            try:
                names = answer.get()
            except NoNodeError:
                continue
            if not names and "/" in path:
                yield path
            level += [f"{path}/{name}" for name in names]


def _children(client: KazooClient, path: str) -> list[str]:
    try:
        found: list[str] = client.get_children(path)
    except NoNodeError:
        return []
    return found


def _kind(path: str) -> str:
    return path.partition("/")[0]


def _divide(records: Iterable[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    part: list[tuple[str, bytes]] = []
    size = 0
    for path, data in records:
        if part and (size + len(data) > _BYTES or len(part) == _AT_ONCE):
            yield part
            part, size = [], 0
        part.append((path, data))
        size += len(data)
    if part:
        yield part


def _create(
    client: KazooClient, paths: Paths, records: Iterable[tuple[str, bytes]], epoch: int
) -> None:
    request = client.transaction()
    request.check(paths.leader, epoch)
    for path, data in records:
        request.create(f"{paths.root}/{path}", data)
    for result in request.commit():
        if isinstance(result, BadVersionError):
            raise Superseded(paths.leader)
        if isinstance(result, KazooException) and not isinstance(result, RolledBackError):
            raise result
