"""Mistakes of operators: a framework refuses with a sentence, and running previews go on.

A program is started where the program is what matters. Which exit code an error has is in
tests/unit/framework/test_exit_codes.py.
"""

import os
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import requests
from kazoo.client import KazooClient

from framework import leader, settings
from framework.errors import ForeignState, OtherSettings
from framework.upkeep import reset
from framework.zookeeper import root_znode
from framework.zookeeper.connection import connect
from local.mesos.installation import Installation
from local.mesos.parts import Address, master_part
from prevs.paths import Paths
from prevs.records import InstallationRecord
from tests import free_ports
from tests.conftest import Mesos
from tests.fakes import program as programs
from tests.fakes.program import OwnRoot, Program, make_repository, wait_id, walk
from tests.running_parts import running

pytestmark = pytest.mark.integration


class Place(OwnRoot):
    """A root of this test's own, and a session of ZooKeeper's."""

    def __init__(self, mesos: Mesos, zookeeper: str, folder: Path) -> None:
        super().__init__(mesos, zookeeper, folder)
        self.client: KazooClient = connect(zookeeper, 15)

    def close(self) -> None:
        self.client.stop()
        self.client.close()
        super().close()

    def claim(self, *, led: bool = False, **more: str) -> None:
        """Claim the root as the program of `program` with the same settings does."""
        chosen = settings.read(self.program(**more).environ)
        root_znode.claim(self.client, Paths(chosen.root), leader.describe(chosen), led=led)

    def forget(self, thing: str, **more: str) -> int:
        """Forget something as `--forget` does; return the exit code."""
        return reset.forget(settings.read(self.program(**more).environ), thing, 30)

    def tree(self, path: str | None = None) -> dict[str, bytes]:
        """Return the content of every znode below a path."""
        found = walk(self.client, path or self.paths.root)
        return {one: self.client.get(one)[0] for one in found}


@pytest.fixture
def place(mesos: Mesos, zookeeper: str, tmp_path: Path) -> Iterator[Place]:
    with Place(mesos, zookeeper, tmp_path) as place:
        yield place


def refusal(program: Program, code: int) -> str:
    """Wait until a program ends with that code; return the reason."""
    program.start()
    assert program.process is not None
    assert program.process.wait(60) == code, program.log.read_text()
    text = program.log.read_text()
    assert "Traceback" not in text
    (line,) = [line for line in text.splitlines() if "the framework ends" in line]
    return line.replace('\\"', '"')


def wait_run_again(program: Program, path: str, before: Mapping[str, object]) -> None:
    """Wait until a preview runs as another task, and stop it."""
    program.wait_state(path, "running", but=str(before["task_id"]))
    assert program.request("DELETE", path).status_code == 202
    program.wait_state(path, "stopped")


def test_a_framework_with_other_settings_refuses_and_the_leader_goes_on(
    place: Place, tmp_path: Path
) -> None:
    first = place.program()
    first.run()
    path, preview = first.order_first(make_repository(tmp_path / "hello"))
    before = place.tree()
    for setting, value in (
        ("ROLE", "others"),
        ("NAME", "others"),
        ("MASTER", "127.0.0.1:5099"),
        ("MASTER", "zk://127.0.0.1:2999/mesos"),
    ):
        with pytest.raises(OtherSettings, match=f"PREVS_{setting} .*{value} here"):
            place.claim(led=True, **{setting: value})
    # Only where a framework leads is this one a difference.
    why = refusal(place.program(DOMAIN="others.example.org"), 10)
    assert "PREVS_DOMAIN " in why
    assert "others.example.org here" in why
    assert "stop all its frameworks, then start them with the new settings" in why
    assert place.tree() == before
    assert first.request("GET", path).json() == preview
    assert first.request("GET", "/readyz").status_code == 200


def test_a_framework_at_the_records_of_another_cluster_refuses_although_nobody_leads_there(
    place: Place,
) -> None:
    other = InstallationRecord(
        master="zk://10.9.9.9:2181/mesos",
        name="prevs",
        role="prevs",
        user="prevs",
        domain="localhost",
    )
    place.client.create(place.paths.installation, other.encode(), makepath=True)
    place.client.create(place.paths.framework_id, b"11111111-0000")
    before = place.tree()
    with pytest.raises(OtherSettings, match=r"PREVS_MASTER zk://10\.9\.9\.9:2181/mesos there"):
        place.claim()
    assert place.tree() == before


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("framework/installation", b'{"v":2,"cluster":"x"}', "cannot be read by this version"),
        ("state/tasks", b"marathon's", r"holds znodes that are not from prevs \(state\)"),
        ("apps/shop", b"<app/>", "does not hold an app of prevs"),
        ("framework/id", b'{"id": 7}', "does not hold a Mesos framework id"),
    ],
)
def test_records_of_another_program_or_a_newer_version_are_left_alone(
    place: Place, name: str, data: bytes, why: str
) -> None:
    place.client.create(f"{place.paths.root}/{name}", data, makepath=True)
    before = place.tree()
    with pytest.raises(ForeignState, match=why):
        place.claim()
    assert place.tree() == before


def test_the_root_of_mesos_itself_is_left_alone(place: Place, mesos: Mesos) -> None:
    path = f"/{mesos.zk.rpartition('/')[2]}"
    before = place.tree(path)
    assert "Choose another PREVS_ROOT" in refusal(place.program(ROOT=path), 8)
    assert place.tree(path) == before


def test_a_removed_framework_gets_no_new_id_before_an_operator_allows_it(
    place: Place, mesos: Mesos, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = place.program()
    first.run()
    path, preview = first.order_first(make_repository(tmp_path / "hello"))
    known = place.client.get(place.paths.framework_id)[0]
    url = f"http://{mesos.master}/teardown"
    requests.post(url, data={"frameworkId": known.decode()}, timeout=60).raise_for_status()
    assert first.process is not None
    assert first.process.wait(60) == 7
    assert "This framework was removed from Mesos" in first.log.read_text()
    assert programs.TOKEN not in first.log.read_text()
    assert "--forget id" in refusal(place.program(), 7)
    assert place.client.get(place.paths.framework_id)[0] == known

    assert place.forget("id") == 0
    output = capsys.readouterr()
    assert (known.decode() in output.out, output.err) == (True, "")
    first.run()
    first.wait_state(path, "running")
    wait_id(place.client, place.paths, but=known)
    wait_run_again(first, path, preview)


def test_a_lost_id_is_not_replaced_before_an_operator_allows_it(
    place: Place, mesos: Mesos, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = place.program()
    first.run()
    path, preview = first.order_first(make_repository(tmp_path / "hello"))
    known = place.client.get(place.paths.framework_id)[0]
    first.end(signal.SIGKILL)
    place.client.delete(place.paths.framework_id)
    assert "holds no framework id, but 1 previews or jobs have a task" in refusal(
        place.program(), 8
    )
    assert place.client.exists(place.paths.framework_id) is None

    place.client.create(place.paths.framework_id, known)
    first.run()
    assert first.wait_state(path, "running") == preview
    assert first.end() == 0  # else it counts as leading until its session is over
    place.client.delete(place.paths.framework_id)

    url = f"http://{mesos.master}/teardown"
    requests.post(url, data={"frameworkId": known.decode()}, timeout=60).raise_for_status()
    assert place.forget("id") == 0
    output = capsys.readouterr()
    assert ("it was lost" in output.out, output.err) == (True, "")
    first.run()
    wait_id(place.client, place.paths, but=known)
    wait_run_again(first, path, preview)


def test_nothing_is_forgotten_while_a_framework_leads(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    first = place.program()
    first.run()
    wait_id(place.client, place.paths)
    before = place.tree()
    done = first.command("--forget", "id")
    assert done.returncode == 1
    assert "A framework leads; nothing was done." in done.stderr
    assert place.forget("installation") == 1
    assert "A framework leads; nothing was done." in capsys.readouterr().err
    after = place.tree()
    assert {path for path in before if "/election/" not in path} == {
        path for path in after if "/election/" not in path
    }
    assert first.request("GET", "/readyz").status_code == 200


def test_a_forgotten_installation_can_be_replaced_by_another(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    place.claim()
    second = place.program(NAME="others")
    with pytest.raises(OtherSettings):
        place.claim(NAME="others")
    assert place.forget("installation", NAME="others") == 0
    assert capsys.readouterr().err == ""
    assert place.forget("installation", NAME="others") == 0
    assert "nothing was done" in capsys.readouterr().out
    second.run()
    stored = InstallationRecord.decode(place.client.get(place.paths.installation)[0])
    assert stored.name == "others"
    assert second.end(signal.SIGTERM) == 0


def test_the_domain_may_change_while_nobody_leads(place: Place) -> None:
    place.claim()
    second = place.program(DOMAIN="others.example.org")
    second.run()
    stored = InstallationRecord.decode(place.client.get(place.paths.installation)[0])
    assert stored.domain == "others.example.org"
    with pytest.raises(OtherSettings, match=r"PREVS_DOMAIN others\.example\.org there"):
        place.claim(led=True)


def test_the_domain_may_change_after_the_leader_was_killed_and_nobody_need_forget_anything(
    place: Place,
) -> None:
    first = place.program()
    first.run()
    first.end(signal.SIGKILL)
    record = place.client.get(place.paths.leader)[0]
    assert first.url.encode() in record, "its record outlives it"
    both = [place.program(DOMAIN="others.example.org") for _ in range(2)]
    for program in both:
        program.start()
    for program in both:
        program.wait_ready()
    stored = InstallationRecord.decode(place.client.get(place.paths.installation)[0])
    assert stored.domain == "others.example.org"


def test_another_principal_is_refused_by_a_master_that_knows_the_framework_and_nothing_is_lost(
    place: Place, tmp_path: Path
) -> None:
    first = place.program()
    first.run()
    before = wait_id(place.client, place.paths)
    assert first.end() == 0
    secret = tmp_path / "secret"
    secret.write_text("any")
    why = refusal(place.program(PRINCIPAL="prevs", SECRET_FILE=str(secret)), 3)
    assert "Changing framework's principal is not allowed" in why
    first.run()
    assert wait_id(place.client, place.paths) == before
    assert first.end() == 0


def test_an_installation_that_never_was_cannot_be_forgotten_and_nothing_is_written(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    assert place.forget("id") == 0
    assert "nothing was done" in capsys.readouterr().out
    assert place.client.exists(place.paths.root) is None


@pytest.fixture(scope="module")
def choosy_master(
    mesos_installation: Installation, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A real master that takes two roles, and `prevs` with its secret; its address."""
    folder = tmp_path_factory.mktemp("master")
    credentials = folder / "credentials"
    credentials.write_text('{"credentials": [{"principal": "prevs", "secret": "right"}]}')
    address = Address("127.0.0.1", free_ports.free_port())
    environ, log = os.environ, folder / "log"
    part = master_part(mesos_installation, address, folder=folder, environ=environ, log=log)
    part.environ = {
        **part.environ,
        "MESOS_ROLES": "prevs,other",
        "MESOS_AUTHENTICATE_HTTP_FRAMEWORKS": "true",
        "MESOS_AUTHENTICATE_HTTP_READONLY": "true",
        "MESOS_HTTP_FRAMEWORK_AUTHENTICATORS": "basic",
        "MESOS_CREDENTIALS": f"file://{credentials}",
    }
    with running([part]):
        yield str(address)


def test_a_role_that_mesos_does_not_allow_ends_it_with_the_message_of_mesos(
    place: Place, choosy_master: str, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("right")
    options = {"MASTER": choosy_master, "PRINCIPAL": "prevs", "SECRET_FILE": str(secret)}
    why = refusal(place.program(**options, ROLE="third"), 3)
    assert "Mesos refused this framework" in why
    assert "role" in why


def test_wrong_credentials_end_it_and_right_ones_are_accepted(
    place: Place, choosy_master: str, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("wrong")
    options = {"MASTER": choosy_master, "PRINCIPAL": "prevs", "SECRET_FILE": str(secret)}
    why = refusal(place.program(**options), 9)
    assert "rejects this framework's credentials" in why
    assert "wrong" not in why
    secret.write_text("right")
    program = place.program(**options)
    program.run()
    assert requests.get(f"http://{choosy_master}/slaves", timeout=60).status_code == 401
    assert program.request("GET", "/v1/agents").json()["agents"] == []
    assert program.end() == 0
