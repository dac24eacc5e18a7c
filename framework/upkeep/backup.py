"""`python -m framework --backup FILE` and `--restore FILE`: all that an installation needs, sealed.

A backup has the records as they were at one moment, and the files that the settings name. It is
made while a framework leads; to restore, none may. Nothing is written before all was checked.
"""

import argparse
import contextlib
import getpass
import importlib.metadata
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from kazoo.client import KazooClient

from framework import leader, settings
from framework.errors import FrameworkError
from framework.settings import Settings
from framework.upkeep.sealed_backup import Backup, BadBackup, open_sealed, seal
from framework.vault import SALT_BYTES
from framework.zookeeper import connection, installation, root_znode, whole_tree
from framework.zookeeper.election import Election
from prevs.paths import Paths
from prevs.records import InstallationRecord
from program.settings.environment import PREFIX, SettingsError

REFUSED = 1
SHORTEST = 12
"""How many characters a pass phrase has: who has the file can try any number of them."""
_FILES = {PREFIX + name.upper(): name for name in Settings.model_fields if name.endswith("_file")}
_ID = "framework/id"


class Order(NamedTuple):
    """A backup to make or to restore, and the file with its pass phrase: None for a prompt.

    `also` are more files that go with it, known by their names. With `over`, which names the root,
    what is there is replaced. With `files_only`, no record is restored.
    """

    file: Path
    phrase_file: Path | None = None
    also: Sequence[Path] = ()
    over: str = ""
    files_only: bool = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of both commands."""
    file: dict[str, Any] = {"type": Path, "metavar": "FILE"}
    parser.add_argument("--backup", **file, help="write a backup to this new file, and end")
    parser.add_argument(
        "--restore", **file, help="restore this backup while no framework runs, and end"
    )
    parser.add_argument(
        "--phrase-file", **file, help="has the backup's pass phrase; - is the standard input"
    )
    parser.add_argument(
        "--also", **file, action="append", default=[], help="one more file that goes with it"
    )
    parser.add_argument("--over", default="", metavar="ROOT", help="replace the records there")
    parser.add_argument("--files-only", action="store_true", help="restore no records")


def read_order(given: argparse.Namespace) -> Order:
    """Return what the options say."""
    return Order(
        given.backup or given.restore,
        given.phrase_file,
        given.also,
        over=given.over,
        files_only=given.files_only,
    )


def make(chosen: Settings, order: Order, patience: float) -> int:
    """Write a backup; return the exit code. Prints what it did, or why it did nothing."""
    return _tell(lambda: _make(chosen, order, patience))


def restore(environ: Mapping[str, str], order: Order, patience: float) -> int:
    """Restore a backup where the settings in `environ` say; return the exit code.

    The files that these name need not exist. Prints what it did, or why it did nothing. Raises
    SettingsError.
    """
    return _tell(lambda: _restore(environ, order, patience))


def _make(chosen: Settings, order: Order, patience: float) -> None:
    if order.file.exists():
        raise BadBackup(f"{order.file} is there already. Choose another name.")
    phrase, paths = _read_phrase(order, is_new=True), Paths(chosen.root)
    with _connected(chosen, patience) as client:
        found = root_znode.holds(client, paths.installation)
        if found is None:
            raise BadBackup(f"No framework has ever led at {paths.root}: nothing to back up.")
        tree = whole_tree.read_tree(client, paths)
    files = {variable: getattr(chosen, name) for variable, name in _FILES.items()}
    files |= {one.name: one for one in order.also}
    backup = Backup(
        importlib.metadata.version("prevs"),
        time.time(),
        found.encode(),
        {name: path.read_bytes() for name, path in files.items() if path is not None},
        tree,
    )
    _write_private(order.file, seal(backup, phrase, os.urandom(SALT_BYTES)))
    print(
        f"{order.file} has {_count(backup)}. Keep it and its pass phrase apart, and away from "
        "this cluster. `prevs restore` restores it."
    )


def _restore(environ: Mapping[str, str], order: Order, patience: float) -> None:
    backup = open_sealed(_read(order.file), _read_phrase(order, is_new=False))
    _check_version(backup.version)
    targets = _find_targets(backup, environ, order)
    if not order.files_only:
        with tempfile.TemporaryDirectory() as folder:
            chosen = settings.read({**environ, **_lay_out(backup, Path(folder))})
            with _connected(chosen, patience) as client:
                _write_records(client, chosen, backup, order.over)
    for name, target in targets.items():
        if not target.exists() or target.read_bytes() != backup.files[name]:
            _replace(target, backup.files[name])
    print(f"Restored {_count(backup)}, of {time.ctime(backup.made)}.")


def _write_records(client: KazooClient, chosen: Settings, backup: Backup, over: str) -> None:
    paths = Paths(chosen.root)
    there = whole_tree.count_records(client, paths)
    if there and over != paths.root:
        raise BadBackup(
            f"{paths.root} in ZooKeeper has records ({there}), and nothing was written. To replace "
            f"all of them, name it: --over {paths.root}. Make a backup of them first."
        )
    epoch = Election(client, paths, "").try_to_win()
    if epoch is None:
        raise BadBackup(
            "A framework leads, and nothing was written. Stop every framework first, and wait some "
            "seconds if one was killed."
        )
    before, ours = InstallationRecord.decode(backup.installation), leader.describe(chosen)
    tree = dict(backup.records)
    if installation.find_difference(before, ours, led=False):
        # Mesos would take the id for a new framework's, or it is another framework's.
        tree[_ID] = b""
        print("This is another cluster or role than that of the backup: what ran starts again.")
    whole_tree.write_tree(client, paths, tree, epoch)


def _find_targets(backup: Backup, environ: Mapping[str, str], order: Order) -> Mapping[str, Path]:
    """Return where each file goes. Raises BadBackup for one that goes nowhere, or over another."""
    also = {one.name: one for one in order.also}
    given = {name: Path(environ[name]) for name in backup.files if environ.get(name)}
    targets = {**{name: also[name] for name in backup.files if name in also}, **given}
    if unset := sorted(name for name in backup.files if name in _FILES and name not in targets):
        raise BadBackup(
            f"The backup has files for settings that are not set here: {', '.join(unset)}. Set "
            "each to where its file goes."
        )
    others = [
        str(target)
        for name, target in targets.items()
        if target.exists() and target.read_bytes() != backup.files[name]
    ]
    if others and order.over != environ.get(f"{PREFIX}ROOT", Paths().root):
        raise BadBackup(
            f"{', '.join(others)} would be replaced, and nothing was written. Move them away."
        )
    return targets


def _lay_out(backup: Backup, folder: Path) -> Mapping[str, str]:
    """Write the files of settings into a folder; return the settings that name them."""
    found = {}
    for name in backup.files.keys() & _FILES.keys():
        _write_private(folder / name, backup.files[name])
        found[name] = str(folder / name)
    return found


def _check_version(theirs: str) -> None:
    ours = importlib.metadata.version("prevs")
    if _order(theirs) > _order(ours):
        raise BadBackup(
            f"prevs {theirs} made this backup, and this is {ours}. Install that version first."
        )


def _order(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)[:3]))


def _count(backup: Backup) -> str:
    records = sum(path != _ID for path in backup.records)
    return f"{records} records and {len(backup.files)} files"


def _read_phrase(order: Order, *, is_new: bool) -> str:
    """Return the pass phrase: of a file, - for standard input, or of a prompt. Raises BadBackup."""
    if order.phrase_file is None:
        phrase = getpass.getpass("Pass phrase of the backup: ")
        if is_new and getpass.getpass("The same again: ") != phrase:
            raise BadBackup("These are two pass phrases. Nothing was written.")
    elif str(order.phrase_file) == "-":
        phrase = sys.stdin.readline().rstrip("\r\n")
    else:
        phrase = _read(order.phrase_file).decode("utf-8", "replace").rstrip("\r\n")
    if is_new and len(phrase) < SHORTEST:
        raise BadBackup(f"A pass phrase has at least {SHORTEST} characters.")
    return phrase


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadBackup(f"{path} cannot be read ({error.strerror}).") from None


def _replace(path: Path, data: bytes) -> None:
    """Write a file that only this user can read; what was there stays beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        path.rename(path.with_name(f"{path.name}.before-restore"))
    _write_private(path, data)


def _write_private(path: Path, data: bytes) -> None:
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        scratch.unlink()
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)


@contextlib.contextmanager
def _connected(chosen: Settings, patience: float) -> Iterator[KazooClient]:
    client = connection.connect(chosen.zookeeper, patience, chosen.identities())
    try:
        yield client
    finally:
        client.stop()
        client.close()


def _tell(act: Callable[[], None]) -> int:
    """Return the exit code; print what goes wrong, and what is next."""
    try:
        act()
    except SettingsError:
        raise
    except FrameworkError as error:
        print(error, file=sys.stderr)
    except OSError as error:
        print(f"{error.filename} cannot be written ({error.strerror}).", file=sys.stderr)
    else:
        return 0
    return REFUSED
