"""A full disk below the ZooKeeper of `prevs local`, which is a file system of its own here."""

import contextlib
import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from kazoo.client import KazooClient

from local.cluster.supervisor import Supervisor, only_one
from local.cluster.turns import Command, turn
from local.cluster.zookeeper import LEAST_MB, zookeeper_part
from local.console.checkup import look
from local.console.commands import local
from local.errors import LocalError
from local.parts.part import ProcessPart, bring_up
from local.settings import Settings, default_folder, prepare
from tests.free_ports import free_port
from tests.unit.local.cluster.test_supervisor import PlayedPart
from tests.waits import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

_SIZE = LEAST_MB + 60


@pytest.fixture
def home() -> Iterator[Path]:
    """A home on a small disk, which is memory."""
    folder = Path(tempfile.mkdtemp(prefix="prevs-"))
    size = f"size={_SIZE}m"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "prevs-test", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        shutil.rmtree(folder)


@pytest.fixture
def settings(home: Path) -> Settings:
    return prepare(default_folder({"HOME": str(home)}), {"zookeeper_port": free_port()})


@pytest.fixture
def part(settings: Settings, tmp_path: Path) -> Iterator[ProcessPart]:
    """ZooKeeper on that disk; its log is elsewhere."""
    folder, port = settings.zookeeper_folder, settings.zookeeper_port
    made = zookeeper_part(folder, port, os.environ, tmp_path / "log")
    yield made
    made.stop()


def fill(home: Path) -> Path:
    """Fill the disk, and return the file that does."""
    file = home / "filler"
    with file.open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while True:
            filler.write(b"x" * 4096)
    return file


def write_until(part: ProcessPart, ended: Callable[[], object]) -> None:
    """Write to ZooKeeper until something has ended."""
    client = KazooClient(part.address, timeout=2, connection_retry={"max_tries": 0})
    client.start_async()  # already the new session is written
    numbers = itertools.count()

    def write() -> object:
        # Its answer may never come.
        client.create_async(f"/n{next(numbers)}", b"x" * 4096)
        return ended()

    try:
        wait_until(write, "ZooKeeper cannot write any more")
    finally:
        client.stop()
        client.close()


def with_client(part: ProcessPart, what: Callable[[KazooClient], object]) -> object:
    client = KazooClient(part.address)
    client.start(20)
    try:
        return what(client)
    finally:
        client.stop()
        client.close()


def test_zookeeper_that_ends_for_want_of_room_says_so_and_goes_on_once_there_is_some(
    home: Path, part: ProcessPart
) -> None:
    bring_up(part)
    with_client(part, lambda client: client.create("/kept", b"value"))
    filler = fill(home)
    write_until(part, part.problem)
    problem = part.problem() or ""
    assert f"the disk of {part.folder} is full: 0 MB are free there" in problem
    part.give_up()
    filler.unlink()
    bring_up(part)
    found = with_client(part, lambda client: client.get("/kept")[0])
    assert found == b"value"


def test_status_and_doctor_name_the_full_disk_though_nothing_can_be_written_there(
    home: Path, settings: Settings, part: ProcessPart
) -> None:
    seen: dict[str, str] = {}

    def go_on() -> None:
        """Fill the disk once ZooKeeper is up, and end all once everybody has said why it ended."""
        if part.problem() is None and part.ready() and not (home / "filler").exists():
            fill(home)
            write_until(part, part.problem)
        elif (home / "filler").exists() and not seen:
            seen["status"] = CliRunner().invoke(local, ["status", "--dir", folder]).output
            environ = {**os.environ, "HOME": str(home)}
            environ.pop("XDG_STATE_HOME", None)
            seen["doctor"] = "\n".join(" ".join(one) for one in look(environ, needed=False))
            with turn(settings.folder, Command.DOWN, print):  # `down` can still end all
                pass
            again = CliRunner().invoke(local, ["up", "--dir", folder, "--no-credentials"])
            seen["up"] = f"{again.exit_code} {again.output}"
            raise _SeenAll

    folder = str(settings.folder)
    watcher = PlayedPart(lambda: True, go_on, name="watcher", needs=("zookeeper",))
    with only_one(settings), contextlib.suppress(_SeenAll):
        Supervisor(settings, [part, watcher]).run()
    for who, said in seen.items():
        assert f"he disk of {settings.zookeeper_folder} is full: 0 MB are free there" in said, who
        assert f"Free at least {LEAST_MB} MB there" in said, who
    assert seen["up"].startswith("1 ")


class _SeenAll(Exception):
    """Ends the supervisor of a test."""


def test_what_ends_for_another_reason_blames_no_disk(part: ProcessPart) -> None:
    part.command = ("false",)
    with pytest.raises(LocalError, match="exited with status 1"):
        bring_up(part)
    assert part.find_cause() == ""
