"""What operators do wrong: a framework refuses with a sentence, and nothing that runs is harmed."""

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

import pytest
import requests
from kazoo.client import KazooClient

from framework.zookeeper_link import connect
from local.mesos.installation import Installation
from local.mesos.parts import Address, master_part
from local.parts import bring_up
from prevs.paths import Paths
from prevs.records import InstallationRecord
from tests.fakes.program import ROOT, Program, make_repository, remove, settings, wait_id

pytestmark = pytest.mark.integration

APP = {"name": "hello", "mem": 64, "health": "/runs"}


class Cluster(Protocol):
    """The session's Mesos."""

    master: str
    zk: str


class Place:
    """A root of this test's own, and programs that work at it."""

    def __init__(
        self, client: KazooClient, root: str, make: Callable[[str, dict[str, str]], Program]
    ) -> None:
        self.client = client
        self.paths = Paths(root)
        self._make = make
        self.programs: list[Program] = []

    def program(self, **more: str) -> Program:
        """Return a framework with the settings of this place, but for `more` (PREVS_ left out)."""
        given = {f"PREVS_{name}": value for name, value in more.items()}
        program = self._make(f"framework-{len(self.programs)}", given)
        self.programs.append(program)
        return program

    def tree(self, path: str | None = None) -> dict[str, bytes]:
        """Return what every znode below a path holds."""
        found, todo = {}, [path or self.paths.root]
        while todo:
            one = todo.pop()
            found[one] = self.client.get(one)[0]
            todo += [f"{one.rstrip('/')}/{name}" for name in self.client.get_children(one)]
        return found


@pytest.fixture
def place(
    mesos: Cluster, zookeeper: str, free_port: Callable[[], int], tmp_path: Path
) -> Iterator[Place]:
    root = f"/test-{uuid.uuid4().hex}"

    def make(name: str, more: dict[str, str]) -> Program:
        environ = settings(mesos.zk, zookeeper, root, free_port(), tmp_path, name)
        return Program(environ | more, tmp_path / f"{name}.log")

    client = connect(zookeeper, 15)
    place = Place(client, root, make)
    yield place
    for program in place.programs:
        program.clean_up()
    client.stop()
    client.close()
    remove(mesos.master, zookeeper, root)


def refusal(program: Program, code: int) -> str:
    """Return why a program ends, after it has ended with that code."""
    program.start()
    assert program.process is not None
    assert program.process.wait(60) == code, program.log.read_text()
    text = program.log.read_text()
    assert "Traceback" not in text
    (line,) = [line for line in text.splitlines() if "the framework ends" in line]
    return line.replace('\\"', '"')


def run_preview(program: Program, tmp_path: Path) -> tuple[str, Mapping[str, object]]:
    """Have a preview run; return where it is, and what it is."""
    repository = str(make_repository(tmp_path / "hello"))
    assert program.ask("POST", "/v1/apps", json={**APP, "repository": repository}).ok
    answer = program.ask("POST", "/v1/previews", json={"app": "hello", "label": "main"})
    place = answer.headers["Location"]
    return place, program.wait_state(place, "running")


def wait_run_anew(program: Program, path: str, before: Mapping[str, object]) -> None:
    """Wait until a preview runs as another task, and stop it."""
    program.wait_state(path, "running", but=str(before["task_id"]))
    assert program.ask("DELETE", path).status_code == 202
    program.wait_state(path, "stopped")


def forget(program: Program, thing: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "framework", "--forget", thing],
        cwd=ROOT,
        env=program.environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("ROLE", "others"),
        ("NAME", "others"),
        ("DOMAIN", "others.example.org"),
        ("MASTER", "127.0.0.1:5099"),
        ("MASTER", "zk://127.0.0.1:2999/mesos"),
    ],
)
def test_a_framework_with_other_settings_refuses_and_the_leader_goes_on(
    place: Place, tmp_path: Path, setting: str, value: str
) -> None:
    first = place.program()
    first.start()
    first.wait_ready()
    path, preview = run_preview(first, tmp_path)
    before = place.tree()
    why = refusal(place.program(**{setting: value}), 10)
    assert f"PREVS_{setting} " in why
    assert f"{value} here" in why
    assert "--forget installation" in why
    assert place.tree() == before
    assert first.ask("GET", path).json() == preview
    assert first.ask("GET", "/readyz").status_code == 200


def test_a_framework_at_another_clusters_records_refuses_although_nobody_leads_there(
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
    assert "PREVS_MASTER zk://10.9.9.9:2181/mesos there" in refusal(place.program(), 10)
    assert place.tree() == before


def test_a_newer_versions_installation_is_left_alone(place: Place) -> None:
    place.client.create(place.paths.installation, b'{"v":2,"cluster":"x"}', makepath=True)
    before = place.tree()
    assert "cannot be read by this version of prevs" in refusal(place.program(), 8)
    assert place.tree() == before


def test_a_root_that_holds_something_else_is_left_alone(place: Place) -> None:
    place.client.create(f"{place.paths.root}/state/tasks", b"marathon's", makepath=True)
    before = place.tree()
    assert "holds what is not of prevs (state)" in refusal(place.program(), 8)
    assert place.tree() == before


def test_apps_of_somebody_else_are_left_alone(place: Place) -> None:
    place.client.create(place.paths.app("shop"), b"<app/>", makepath=True)
    before = place.tree()
    assert "holds no app of prevs" in refusal(place.program(), 8)
    assert place.tree() == before


def test_an_id_that_is_none_is_not_taken_for_one(place: Place) -> None:
    place.client.create(place.paths.framework_id, b'{"id": 7}', makepath=True)
    before = place.tree()
    assert "holds no framework id of Mesos" in refusal(place.program(), 8)
    assert place.tree() == before


@pytest.mark.parametrize("root", ["mesos", "zookeeper"])
def test_the_root_of_mesos_or_zookeeper_itself_is_left_alone(
    place: Place, mesos: Cluster, root: str
) -> None:
    path = f"/{mesos.zk.rpartition('/')[2]}" if root == "mesos" else "/zookeeper"
    before = place.tree(path)
    assert "Choose another PREVS_ROOT" in refusal(place.program(ROOT=path), 8)
    assert place.tree(path) == before


def test_a_removed_framework_is_not_born_again_before_an_operator_says_so(
    place: Place, mesos: Cluster, tmp_path: Path
) -> None:
    first = place.program()
    first.start()
    first.wait_ready()
    path, preview = run_preview(first, tmp_path)
    known = place.client.get(place.paths.framework_id)[0]
    url = f"http://{mesos.master}/teardown"
    requests.post(url, data={"frameworkId": known.decode()}, timeout=60).raise_for_status()
    assert first.process is not None
    assert first.process.wait(60) == 7
    assert "--forget id" in refusal(place.program(), 7)
    assert place.client.get(place.paths.framework_id)[0] == known

    done = forget(first, "id")
    assert (done.returncode, done.stderr) == (0, "")
    assert known.decode() in done.stdout
    first.start()
    first.wait_ready()
    first.wait_state(path, "running")
    wait_id(place.client, place.paths, but=known)
    wait_run_anew(first, path, preview)


def test_an_id_that_was_lost_is_not_replaced_before_an_operator_says_so(
    place: Place, mesos: Cluster, tmp_path: Path
) -> None:
    first = place.program()
    first.start()
    first.wait_ready()
    path, preview = run_preview(first, tmp_path)
    known = place.client.get(place.paths.framework_id)[0]
    first.end(signal.SIGKILL)
    place.client.delete(place.paths.framework_id)
    assert "holds no framework id, but 1 previews have a task" in refusal(place.program(), 8)
    assert place.client.exists(place.paths.framework_id) is None

    place.client.create(place.paths.framework_id, known)
    first.start()
    first.wait_ready()
    assert first.wait_state(path, "running") == preview
    assert first.end() == 0  # else it counts as leading until its session is over
    place.client.delete(place.paths.framework_id)

    url = f"http://{mesos.master}/teardown"
    requests.post(url, data={"frameworkId": known.decode()}, timeout=60).raise_for_status()
    done = forget(first, "id")
    assert (done.returncode, done.stderr) == (0, "")
    assert "it was lost" in done.stdout
    first.start()
    first.wait_ready()
    wait_id(place.client, place.paths, but=known)
    wait_run_anew(first, path, preview)


def test_nothing_is_forgotten_while_a_framework_leads(place: Place) -> None:
    first = place.program()
    first.start()
    first.wait_ready()
    wait_id(place.client, place.paths)
    before = place.tree()
    for thing in ("id", "installation"):
        done = forget(first, thing)
        assert done.returncode == 1
        assert "A framework leads; nothing was done." in done.stderr
    after = place.tree()
    assert {path for path in before if "/election/" not in path} == {
        path for path in after if "/election/" not in path
    }
    assert first.ask("GET", "/readyz").status_code == 200


def test_an_installation_that_is_forgotten_can_be_another(place: Place) -> None:
    first = place.program()
    first.start()
    first.wait_ready()
    assert first.end() == 0
    second = place.program(NAME="others")
    refusal(second, 10)
    done = forget(second, "installation")
    assert (done.returncode, done.stderr) == (0, "")
    assert "nothing was done" in forget(second, "installation").stdout
    second.start()
    second.wait_ready()
    stored = InstallationRecord.decode(place.client.get(place.paths.installation)[0])
    assert stored.name == "others"
    assert second.end(signal.SIGTERM) == 0


def test_the_domain_may_change_while_nobody_leads(place: Place) -> None:
    first = place.program()
    first.start()
    first.wait_ready()
    assert first.end() == 0
    second = place.program(DOMAIN="others.example.org")
    second.start()
    second.wait_ready()
    stored = InstallationRecord.decode(place.client.get(place.paths.installation)[0])
    assert stored.domain == "others.example.org"
    assert "PREVS_DOMAIN others.example.org there" in refusal(place.program(), 10)


def test_what_was_never_there_is_not_forgotten_and_nothing_is_written(place: Place) -> None:
    done = forget(place.program(), "id")
    assert done.returncode == 0
    assert "nothing was done" in done.stdout
    assert place.client.exists(place.paths.root) is None


@pytest.fixture
def master(
    mesos_installation: Installation, free_port: Callable[[], int], tmp_path: Path
) -> Iterator[Callable[[dict[str, str]], str]]:
    """Start a real master with flags of this test's own; return its address."""
    parts = []

    def start(flags: dict[str, str]) -> str:
        address = Address("127.0.0.1", free_port())
        part = master_part(
            mesos_installation,
            address,
            folder=tmp_path / "master",
            environ=os.environ,
            log=tmp_path / "master.log",
        )
        part.environ = {**part.environ, **flags}
        bring_up(part)
        parts.append(part)
        return str(address)

    yield start
    for part in parts:
        part.stop()


def test_a_role_that_mesos_does_not_allow_ends_it_with_mesos_own_words(
    place: Place, master: Callable[[dict[str, str]], str]
) -> None:
    address = master({"MESOS_ROLES": "some,other"})
    why = refusal(place.program(MASTER=address), 3)
    assert "Mesos refused this framework" in why
    assert "role" in why


def test_wrong_credentials_end_it_and_right_ones_are_taken(
    place: Place, master: Callable[[dict[str, str]], str], tmp_path: Path
) -> None:
    credentials = tmp_path / "credentials"
    credentials.write_text('{"credentials": [{"principal": "prevs", "secret": "right"}]}')
    address = master(
        {
            "MESOS_AUTHENTICATE_HTTP_FRAMEWORKS": "true",
            "MESOS_AUTHENTICATE_HTTP_READONLY": "true",
            "MESOS_HTTP_FRAMEWORK_AUTHENTICATORS": "basic",
            "MESOS_CREDENTIALS": f"file://{credentials}",
        }
    )
    secret = tmp_path / "secret"
    secret.write_text("wrong")
    told = {"MASTER": address, "PRINCIPAL": "prevs", "SECRET_FILE": str(secret)}
    why = refusal(place.program(**told), 9)
    assert "does not take this framework's credentials" in why
    assert "wrong" not in why
    secret.write_text("right")
    program = place.program(**told)
    program.start()
    program.wait_ready()
    assert requests.get(f"http://{address}/slaves", timeout=60).status_code == 401
    assert program.ask("GET", "/v1/agents").json()["agents"] == []
    assert program.end() == 0
