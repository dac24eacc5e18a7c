"""From an earlier version to this one and back, on real services, while previews are visited."""

import json
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker.api import APIClient

from executor.docker.daemon import Daemon
from local.parts import processes
from tests.e2e.conftest import Hello
from tests.e2e.versions import ROOT, Program, Site, check_out
from tests.fakes.program import Mesos, remove
from tests.faults.visitors import Address, Visitors

pytestmark = [pytest.mark.e2e, pytest.mark.night, pytest.mark.timeout(300)]

RECORDS = ROOT / "tests" / "data" / "records" / "v1"

READ_ALL = """\
import json, sys
from pathlib import Path
from prevs import messages, records
from prevs.codec import RecordError
told = {}
for name, kind in json.loads(sys.argv[2]).items():
    module = messages if hasattr(messages, kind) else records
    try:
        getattr(module, kind).decode((Path(sys.argv[1]) / f"{name}.json").read_bytes())
        told[name] = ""
    except RecordError as error:
        told[name] = str(error)
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return check_out(tmp_path_factory.mktemp("earlier") / "prevs")


@pytest.fixture
def site(mesos: Mesos, zookeeper: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """On an open Mesos and ZooKeeper: the earlier version cannot authenticate."""
    made = Site.make(tmp_path_factory.mktemp("up"), zookeeper, f"/upgrade-{uuid.uuid4().hex[:8]}")
    try:
        yield made
    finally:
        made.end()
        remove(mesos.master, zookeeper, made.root)


@pytest.fixture
def repository(hello: Hello, tmp_path: Path) -> Hello:
    """The example, with a branch whose settings this version alone reads, and refuses."""
    made = Hello(tmp_path / "hello")
    subprocess.run(["git", "clone", "--quiet", str(hello.folder), str(made.folder)], check=True)
    made.git("branch", "dark", "origin/feature/dark")
    made.git("branch", "exits", "origin/exits")
    made.git("checkout", "--quiet", "-b", "mistaken")
    (made.folder / ".prevs.toml").write_text("prot = 8080\n")
    made.git("add", "--all")
    identity = ("-c", "user.name=prevs", "-c", "user.email=prevs@localhost")
    made.git(*identity, "commit", "--quiet", "--message", "Make a mistake")
    return made


def executor_of(task: str) -> str:
    """Return the command of the executor of a task: of the programs that have it, the first."""
    found = sorted(one.pid for one in processes.having("MESOS_EXECUTOR_ID", task))
    lines = [(Path("/proc") / str(pid) / "cmdline").read_bytes() for pid in found]
    # The earlier version may call its watchdog a guardian.
    beside = (b"watchdog", b"guardian")
    (command,) = [
        line for line in lines if b"executor" in line and not any(word in line for word in beside)
    ]
    return command.replace(b"\0", b" ").decode()


def start(framework: Program, label: str) -> str:
    """Have a preview started; return its place in the API."""
    answer = framework.request("POST", "/v1/previews", json={"app": "hello", "label": label})
    assert answer.status_code == 202, answer.text
    return answer.headers["Location"]


def hand_over(leads: Program, follows: Program) -> None:
    """Have another framework take over from the leader."""
    follows.start()
    follows.wait_ready("standby")
    leads.end()
    follows.wait_ready("leader")


def stop(framework: Program, place: str, client: APIClient) -> None:
    """Stop a preview, and see that its container is gone."""
    task = framework.request("GET", place).json()["task_id"]
    assert containers(client, task) == 1
    assert framework.request("DELETE", place).status_code == 202
    framework.wait_state(place, "stopped")
    assert containers(client, task) == 0


def containers(client: APIClient, task: str) -> int:
    return len(client.containers(all=True, filters={"label": f"prevs.task={task}"}))


def open_entrances(client: APIClient) -> None:
    """Remove the rules for previews' ports at loopback, as docs/operating/upgrade.md says."""
    chain = f"PREVSLO-br-{client.inspect_network('prevs')['Id'][:12]}"
    subprocess.run(["iptables", "-w", "-t", "mangle", "-F", chain], check=True)


def test_records_of_this_version_are_read_by_the_earlier_one(earlier: Path) -> None:
    kinds = {
        "app": "AppRecord",
        "build_order": "BuildOrder",
        "installation": "InstallationRecord",
        "leader": "LeaderRecord",
        "placements": "PlacementsRecord",
        "preview": "PreviewRecord",
        "proxy": "ProxyRecord",
        "task_report": "TaskReport",
        "token": "TokenRecord",
    }
    ran = subprocess.run(
        [sys.executable, "-c", READ_ALL, str(RECORDS), json.dumps(kinds)],
        cwd=earlier,
        env={"PYTHONPATH": str(earlier)},
        capture_output=True,
        check=True,
        text=True,
    )
    assert json.loads(ran.stdout) == dict.fromkeys(kinds, "")


def preview(repository: Hello, label: str) -> str:
    """Return where the API has a preview."""
    return f"/v1/previews/hello/{repository.commit(label)}"


def begin(site: Site, tree: Path, repository: Hello) -> tuple[Program, Program]:
    """Start a framework and a proxy of a version, and the app; return both."""
    framework, proxy = site.framework(tree, 0), site.proxy(tree)
    framework.start()
    proxy.start()
    framework.wait_ready("leader")
    app = {"name": "hello", "repository": str(repository.folder), "mem": 48}
    assert framework.request("POST", "/v1/apps", json=app).status_code == 201
    return framework, proxy


def test_previews_of_either_version_are_served_through_an_upgrade_and_back(
    earlier: Path, site: Site, repository: Hello, docker_host: str
) -> None:
    old, proxy = begin(site, earlier, repository)
    page = site.visit("main").content
    main, dark = preview(repository, "main"), preview(repository, "dark")
    task = old.wait_state(main, "running")["task_id"]
    assert "-m executor" in executor_of(task)

    visitors = Visitors(site.port, [Address("main.hello.localhost", page)], rate=10)
    visitors.start()
    with visitors.watched() as seen:
        # The frameworks first, then the proxies: the old proxy reads the new one's records.
        new = site.framework(ROOT, 1)
        hand_over(old, new)
        assert new.wait_state(main, "running")["task_id"] == task
        assert site.visit("dark").status_code == 200
        assert "prevs-executor.pyz" in executor_of(new.wait_state(dark, "running")["task_id"])
        proxy.end(signal.SIGKILL)
        site.proxy(ROOT).start()
        # And back: the new proxy reads the old one's records.
        back = site.framework(earlier, 0)
        hand_over(new, back)
        assert back.wait_state(main, "running")["task_id"] == task
        assert site.visit("dark").status_code == 200
        visitors.stop()
    assert seen.answered > 20
    assert seen.lost == []

    docker = Daemon({"DOCKER_HOST": docker_host}).client()
    stop(back, dark, docker)
    again = site.framework(ROOT, 1)
    hand_over(back, again)
    assert again.wait_state(main, "running")["task_id"] == task
    stop(again, main, docker)
    assert site.visit("main").content == page
    assert "prevs-executor.pyz" in executor_of(again.wait_state(main, "running")["task_id"])


def test_a_rollback_loses_only_what_the_earlier_version_does_not_know(
    earlier: Path, site: Site, repository: Hello, docker_host: str
) -> None:
    new, _ = begin(site, ROOT, repository)
    assert new.request("PATCH", "/v1/apps/hello", json={"max_mem": 96}).status_code == 200
    mistaken = start(new, "mistaken")
    assert new.wait_state(mistaken, "failed")["failure"]["cause"] == "settings-invalid"
    fails = start(new, "exits")
    cause = new.wait_state(fails, "failed")["failure"]["cause"]

    old = site.framework(earlier, 1)
    hand_over(new, old)
    open_entrances(Daemon({"DOCKER_HOST": docker_host}).client())
    assert old.wait_state(fails, "failed")["failure"]["cause"] == cause
    # The cause is a word that it does not know: for it the preview does not exist.
    assert old.request("GET", mistaken).status_code == 404
    start(old, "mistaken")
    old.wait_state(mistaken, "running")
    assert old.request("PATCH", "/v1/apps/hello", json={"idle_after": 7200}).status_code == 200

    again = site.framework(ROOT, 0)
    hand_over(old, again)
    assert again.wait_state(mistaken, "running")["failure"] is None
    settings = again.request("GET", "/v1/apps/hello").json()
    assert (settings["mem"], settings["idle_after"], settings["max_mem"]) == (48, 7200, 0)
