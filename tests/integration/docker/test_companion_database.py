"""An application in Python with PostgreSQL and Redis beside it, as a team would have it."""

import dataclasses
import json
import os
import secrets
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from docker.api import APIClient

from executor.attempt.attempt import BRANCH
from executor.companions.specs import LABEL
from executor.docker.daemon import Daemon
from executor.workspace.container_guard import LABEL as FOLDER
from executor.workspace.work_folder import WorkFolder
from prevs import names
from prevs.commit_settings import RunSettings
from prevs.companions import Companion
from prevs.states import Cause
from prevs.work import Work
from tests.fakes import database_app
from tests.fakes.database_app import HOOKS, PSQL, Images
from tests.fakes.samples import remove_image
from tests.integration.docker.attempts import APP, Agent

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

PREFIX = f"prevs-test/companions-{secrets.token_hex(3)}"


MIGRATE = (*PSQL, "alter table items add column if not exists price int default 7")
MIGRATES = RunSettings(hooks=(MIGRATE,))
WAITS = "waits until {} of the same branch has stopped: they share its data"


class World:
    """An agent with these images. Another commit, the `next`, has the same ones."""

    def __init__(self, agent: Agent, sha: str, companions: tuple[Companion, ...]) -> None:
        self.agent = agent
        self.sha = sha
        self.next = secrets.token_hex(20)
        self.companions = companions

    def run(
        self,
        act: Callable[[], object],
        *,
        ends_itself: bool = False,
        sha: str = "",
        settings: RunSettings = RunSettings(hooks=HOOKS),  # noqa: B008 - a value
        **order: str,
    ) -> None:
        """Run the preview until `act` has been called."""
        ran: list[bool] = []

        def running() -> None:
            ran.append(True)
            try:
                act()
            finally:
                if not ends_itself:
                    self.agent.kill()

        self.agent.when["TASK_RUNNING"] = running
        run = dataclasses.replace(settings, companions=self.companions)
        self.agent.run(sha or self.sha, run=run, mem=128, **order)
        assert ran, f"{self.agent.message}\n{self.agent.log.data.decode()[-3000:]}"

    def get(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.agent.get())
        return found

    def add(self, name: str) -> None:
        address = f"http://127.0.0.1:{self.agent.port}/{name}"
        urllib.request.urlopen(address, data=b"", timeout=30).close()

    def container(self, companion: str) -> str:
        label = {"label": [f"prevs.app={APP}", f"{LABEL}={companion}"]}
        (found,) = self.agent.client.containers(filters=label)
        return str(found["Id"])


@pytest.fixture(scope="module")
def images(docker_host: str) -> Iterator[Images]:
    """The images, once for all tests."""
    client: APIClient = Daemon({"DOCKER_HOST": docker_host}).client()
    with database_app.images(client, PREFIX, APP) as made:
        yield made


@pytest.fixture
def world(agent: Agent, images: Images) -> Iterator[World]:
    sha = secrets.token_hex(20)
    repository, _, version = names.image_tag(APP, sha).partition(":")
    agent.client.tag(images.app, repository, version)
    world = World(agent, sha, images.companions())
    repository, _, version = names.image_tag(APP, world.next).partition(":")
    agent.client.tag(images.app, repository, version)
    yield world
    for one in (sha, world.next):
        remove_image(agent.client, names.image_tag(APP, one))


def test_its_hooks_prepare_the_database_once_and_the_data_stay(world: World) -> None:
    found: list[dict[str, Any]] = []

    def add() -> None:
        world.add("added")
        for _ in range(20):  # more than the checks, which count too
            world.get()
        found.append(world.get())

    world.run(add)
    world.run(lambda: found.append(world.get()))
    assert [one["rows"] for one in found] == [["added", "seeded"]] * 2
    assert found[1]["visits"] < found[0]["visits"], "the cache has no volume"
    assert b"db | " in world.agent.log.data
    assert len([header for header in world.agent.log.headers if header.startswith("hook")]) == 2


def test_its_database_that_dies_ends_the_preview_and_is_named(world: World) -> None:
    world.run(lambda: world.agent.client.kill(world.container("db")), ends_itself=True)
    assert world.agent.report.cause is Cause.COMPANION_FAILED
    assert "The companion db exited with code 137" in world.agent.message
    assert world.agent.containers() == []


def work(agent: Agent, world: World, query: str, sandbox: Path, beside: str = "") -> str:
    """Run a job that asks the database something; return its log."""
    agent.environ["MESOS_SANDBOX"] = str(sandbox)
    job = Work("k3j9x0q2ab", (*PSQL, query), timeout=60.0, beside=beside)
    settings = RunSettings(
        companions=tuple(dataclasses.replace(one, volumes=()) for one in world.companions),
        hooks=HOOKS,
    )
    (report,) = agent.run_jobs(world.sha, [job], run=settings, mem=128)
    (log,) = sandbox.glob("jobs/*/stdout")
    assert report.exit_code == 0, f"{agent.message}\n{log.read_text()[-3000:]}"
    return log.read_text()


def test_a_job_reaches_the_database_of_the_running_preview(
    world: World, docker_host: str, tmp_path: Path, free_port: Callable[[], int]
) -> None:
    found: list[Any] = []
    of_job = Agent(docker_host, tmp_path / "job", free_port)

    def migrate() -> None:
        query = "insert into items values ('migrated')"
        found.append(work(of_job, world, query, tmp_path / "sandbox", world.agent.task_id))
        found.append(world.get()["rows"])

    world.run(migrate)
    log, rows = found
    assert rows == ["migrated", "seeded"]
    assert "the preview of this commit runs: db, cache are that one's" in log
    assert world.agent.containers() == []


def test_without_a_running_preview_a_job_has_a_database_of_its_own(
    world: World, tmp_path: Path
) -> None:
    for sandbox in (tmp_path / "first", tmp_path / "second"):
        # The hooks fill an empty one each time: with the data of before they would fail.
        assert "seeded" in work(world.agent, world, "select name from items", sandbox)
    assert world.agent.containers() == []
    assert world.agent.volumes() == []


def test_a_push_goes_on_with_the_data_of_its_branch_and_its_hooks_migrate_them(
    world: World,
) -> None:
    found: list[list[str]] = []
    prices: list[str] = []

    def look() -> None:
        found.append(world.get()["rows"])

    def look_at_prices() -> None:
        look()
        command = ["psql", "-U", "postgres", "-h", "127.0.0.1", "-tAc", "select price from items"]
        client = world.agent.client
        made = client.exec_create(world.container("db"), command)
        prices.extend(client.exec_start(made["Id"]).decode().split())

    world.run(lambda: world.add("typed"), data="main")
    world.run(look, data="main")
    world.run(look_at_prices, sha=world.next, settings=MIGRATES, data="main")
    assert found == [["seeded", "typed"]] * 2
    assert prices == ["7", "7"]
    world.run(look, data="other")
    world.run(look)
    assert found[2:] == [["seeded"]] * 2, "another branch and an own preview begin anew"


def test_no_second_database_starts_while_another_attempt_has_the_data(world: World) -> None:
    """Also if its executor is dead, and only its container runs still."""
    world.run(world.get, data="main")
    labels = {
        "prevs.app": APP,
        "prevs.commit": world.sha,
        "prevs.task": "another",
        BRANCH: "main",
        FOLDER: WorkFolder(world.agent.config.dir).id(),
    }
    client, waited = world.agent.client, []
    image = names.image_tag(APP, world.sha)
    other = client.create_container(image, ["sleep", "600"], labels=labels)["Id"]
    # The reaper of the next executor would remove it.
    lock = WorkFolder(world.agent.config.dir).hold("another")
    client.start(other)

    def starting() -> None:
        if world.agent.report.detail == WAITS.format(names.short(world.sha)):
            waited.append(world.agent.containers())
            client.remove_container(other, force=True)

    world.agent.when["TASK_STARTING"] = starting
    try:
        world.run(world.get, sha=world.next, settings=MIGRATES, data="main")
    finally:
        os.close(lock)
    assert waited == [[other]], "nothing of the next commit ran"


def test_a_new_branch_begins_with_a_copy_of_the_data_of_another_and_both_go_on_apart(
    world: World,
) -> None:
    found: list[list[str]] = []
    seeds = RunSettings(release=(MIGRATE,), seed_hooks=HOOKS)

    def add(name: str) -> None:
        world.add(name)
        found.append(world.get()["rows"])

    world.run(lambda: add("old"), data="main")

    def run_fix(name: str) -> None:
        world.run(lambda: add(name), sha=world.next, settings=seeds, data="fix/1", seed="main")

    run_fix("new")
    world.run(lambda: add("more"), data="main")
    run_fix("newer")
    assert found == [
        ["old", "seeded"],
        ["new", "old", "seeded"],
        ["more", "old", "seeded"],
        ["new", "newer", "old", "seeded"],
    ]
    copies = [one for one in world.agent.log.headers if one.startswith("copies")]
    assert copies == ["copies the data of the branch main"]


def test_a_copy_that_was_cut_off_is_made_anew(world: World) -> None:
    found: list[list[str]] = []
    world.run(lambda: world.add("old"), data="main")
    world.agent.when["TASK_STARTING"] = lambda: (
        world.agent.kill() if world.agent.report.detail.startswith("copies") else None
    )
    settings = RunSettings(companions=world.companions)
    world.agent.run(world.next, run=settings, mem=128, data="fix", seed="main")
    world.agent.when.clear()
    world.run(
        lambda: found.append(world.get()["rows"]),
        sha=world.next,
        settings=MIGRATES,
        data="fix",
        seed="main",
    )
    assert found == [["old", "seeded"]]
    copies = [one for one in world.agent.log.headers if one.startswith("copies")]
    assert len(copies) == 2
