"""Containers beside an application, with real git and docker: start, network, data, end."""

import dataclasses
import os
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from executor.cleanup.reaper import reap
from executor.companions.ready_check import ReadyCheck
from executor.companions.specs import LABEL
from executor.docker.daemon import Daemon
from executor.limits.confinement import Confinement
from executor.network.preview_network import OwnNetwork, PreviewNetwork
from executor.workspace.container_guard import LABEL as GUARDED
from executor.workspace.work_folder import WorkFolder
from prevs import names
from prevs.commit_settings import RunSettings
from prevs.companions import Companion
from prevs.containers import BuildSettings, ContainerSettings, MountedFile
from prevs.messages import PublishedService, TaskReport
from prevs.states import Cause, Phase
from tests.fakes.samples import BUSYBOX, DOCKERFILE, SERVE, serving
from tests.integration.docker.attempts import APP, Agent
from tests.waits import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


def shell(script: str) -> tuple[str, ...]:
    return ("/bin/sh", "-c", script)


def answering(text: str, port: int) -> tuple[str, ...]:
    """Return a command that answers `text` to whoever connects, until SIGTERM."""
    serve = f"while :; do echo {text} | nc -l -p {port} > /dev/null; done & wait"
    return shell(f"trap 'echo bye; exit 0' TERM; echo up; {serve}")


def asking(*addresses: str) -> tuple[str, ...]:
    """Return a command that serves what others answer."""
    asked = [f"nc {one.replace(':', ' ')} </dev/null >>/www/index.html; " for one in addresses]
    return shell(f": > /www/index.html; {''.join(asked)}{SERVE}")


LISTEN = "exec httpd -f -p 81 -h /tmp/r"
DB = Companion("db", command=answering("i am db", 5000), ready_port=5000)
CACHE = Companion(
    "cache", command=answering("i am cache", 6000), ready=("nc", "localhost", "6000"), mem=48
)


def settings(*companions: Companion, **changes: Any) -> RunSettings:
    return RunSettings(companions=companions, **changes)


def run(agent: Agent, sha: str, act: Callable[[], object] = lambda: None, **changes: Any) -> None:
    """Run an attempt, and end it after `act`, which is called when it runs."""

    def running() -> None:
        try:
            act()
        finally:
            agent.kill()

    agent.when["TASK_RUNNING"] = running
    agent.run(sha, **changes)


def find(agent: Agent) -> Mapping[str, Mapping[str, Any]]:
    """Return the details of the containers by their companions, the application's as ""."""
    found = (agent.client.inspect_container(one) for one in agent.containers())
    return {one["Config"]["Labels"].get(LABEL, ""): one for one in found}


def test_containers_of_a_preview_share_a_network_in_which_all_names_are_loopback(
    agent: Agent,
) -> None:
    seen: dict[str, Any] = {}
    answers: list[str] = []

    def look() -> None:
        seen.update(find(agent))
        answers.append(agent.get())

    hook = shell("nc db 5000 </dev/null >/dev/null && echo the hook saw it")
    run(
        agent,
        agent.image(SERVE),
        look,
        run=settings(DB, CACHE, command=asking("db:5000", "cache:6000"), hooks=(hook,)),
    )
    assert answers == ["i am db\ni am cache\n"], agent.message
    assert b"the hook saw it\n" in agent.log.data
    assert b"db | up\n" in agent.log.data
    assert agent.containers() == []
    owner = seen["db"]["Id"]
    joined = {name: one["HostConfig"]["NetworkMode"] for name, one in seen.items() if name != "db"}
    assert joined == {"": f"container:{owner}", "cache": f"container:{owner}"}
    least = ("CapDrop", "CapAdd", "SecurityOpt", "PidsLimit", "LogConfig", "Ulimits", "Init")
    same = [{name: one["HostConfig"][name] for name in least} for one in seen.values()]
    assert same[0] == same[1] == same[2]
    assert same[0]["CapDrop"] == ["ALL"]
    limits = {name: one["HostConfig"]["Memory"] >> 20 for name, one in seen.items()}
    assert limits == {"": 32, "db": 128, "cache": 48}


def test_the_application_ends_first_and_companions_in_reverse_order(agent: Agent) -> None:
    serve = f"trap 'echo app bye; exit 0' TERM; {SERVE.removeprefix('exec ')} & wait"
    run(agent, agent.image(SERVE), run=settings(DB, CACHE, command=shell(serve)))
    ends = [line for line in agent.log.data.decode().splitlines() if line.endswith("bye")]
    assert ends == ["app bye", "cache | bye", "db | bye"]


@pytest.mark.parametrize("dies", ["before", "while"], ids=["while it starts", "while it runs"])
def test_a_companion_that_ends_ends_the_attempt_and_is_named(agent: Agent, dies: str) -> None:
    command = shell("echo no data folder; exit 3") if dies == "before" else DB.command
    db = Companion("db", command=command, ready_port=5000)

    def kill_db() -> None:
        agent.client.kill(find(agent)["db"]["Id"])

    # The application fails without its database, and is not what people have to look at.
    ask = "nc db 5000 </dev/null >/dev/null"
    serve = SERVE.removeprefix("exec ")
    app = f"{serve} & while {ask} || {{ sleep 0.5; {ask}; }}; do :; done; exit 9"
    agent.when["TASK_RUNNING"] = kill_db
    agent.run(agent.image(SERVE), run=settings(db, command=shell(app)))
    code = 3 if dies == "before" else 137
    assert agent.report == TaskReport(Phase.ENDED, Cause.COMPANION_FAILED, code)
    assert f"The companion db exited with code {code}" in agent.message
    assert ("TASK_RUNNING" in agent.states) is (dies == "while")
    assert agent.containers() == []
    if dies == "before":
        assert b"db | no data folder\n" in agent.log.data


def test_a_companion_at_its_memory_limit_is_named(agent: Agent) -> None:
    greedy = shell("sleep 1; dd if=/dev/zero of=/dev/null bs=200M count=9")
    agent.run(agent.image(SERVE), run=settings(Companion("db", command=greedy, mem=24)))
    assert agent.report == TaskReport(Phase.ENDED, Cause.COMPANION_FAILED, 137)
    assert "The companion db was killed because it used more than its 24 MB" in agent.message
    assert agent.containers() == []


def test_one_that_is_never_ready_fails_with_the_last_output_of_its_check(agent: Agent) -> None:
    check = shell("echo starting up; exit 2")
    db = Companion("db", command=DB.command, ready=check)
    agent.run(agent.image(SERVE), run=settings(db), start_limit=8.0)
    assert agent.report.cause is Cause.COMPANION_FAILED
    assert "The companion db was not ready within 8 s: `/bin/sh -c 'echo starting" in agent.message
    assert "exited with code 2" in agent.message
    assert agent.log.data.count(b"db | starting up\n") == 1
    assert any("Waiting for db (/bin/sh" in status["message"] for status in agent.statuses)
    assert agent.containers() == []


def test_a_check_that_never_ends_is_run_once(agent: Agent) -> None:
    db = Companion("db", command=DB.command, ready=shell("echo again; sleep 1000"))
    agent.run(agent.image(SERVE), run=settings(db), start_limit=4.0)
    assert "did not end" in agent.message
    assert agent.log.data.count(b"again") == 0
    assert agent.containers() == []


def test_a_check_that_takes_longer_at_last_does_not_hide_how_it_ended_before(agent: Agent) -> None:
    check = shell("test -e /tmp/again && sleep 1000; touch /tmp/again; echo no; exit 2")
    db = Companion("db", command=DB.command, ready=check)
    agent.run(agent.image(SERVE), run=settings(db), start_limit=8.0)
    assert "exited with code 2" in agent.message
    assert agent.log.data.count(b"db | no\n") == 1


def test_a_port_is_seen_where_dockers_processes_are_not(
    agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where docker is on another machine: by the tables that the container itself reads."""
    monkeypatch.setattr(ReadyCheck, "_read_tables", lambda *_: None)
    many = shell("for port in $(seq 6000 6060); do nc -l -p $port & done; wait")
    waits = shell("exec sleep 1000")
    crowded = [
        Companion(f"c{port}", command=waits if port % 60 else many, ready_port=port)
        for port in (6000, 6020, 6040)
    ]
    assert agent.answer(agent.image(SERVE), run=settings(DB, *crowded)) == "hello\n"
    db = Companion("db", command=DB.command, ready_port=5001)
    agent.run(agent.image(SERVE), run=settings(db), start_limit=6.0)
    assert "was not ready within 6 s: nothing listened on its port 5001." in agent.message
    blind = dataclasses.replace(DB, command=shell(f"rm /bin/cat; {DB.command[-1]}"))
    agent.run(agent.image(SERVE), run=settings(blind), start_limit=3.0)
    assert "its port 5000 cannot be seen, as `cat /proc/net/tcp" in agent.message


def test_all_containers_of_a_preview_share_its_disk_limit(agent: Agent) -> None:
    agent.config = agent.config._replace(confined=Confinement(disk_limit=30))
    # What is written before the first look at the disk is only found at the next calm measurement.
    write = "sleep 3; dd if=/dev/zero of=/big bs=1M count=20"
    db = Companion("db", command=shell(f"{write}; sleep 1000"), mem=64)
    agent.run(agent.image(SERVE), run=settings(db, command=shell(f"{write}; {SERVE}")), mem=64)
    assert agent.report.cause is Cause.DISK_FULL, agent.message
    assert "its containers together wrote more than 30 MB" in agent.message
    assert agent.containers() == []


def test_the_data_of_companions_outlive_an_attempt_and_hooks_seed_them_once(agent: Agent) -> None:
    keep = shell("mkdir -p /data; exec nc -ll -p 5000 -e /bin/sh -c 'cat >> /data/rows'")
    give = shell(
        "touch /data/rows; cat /data/rows; while :; do nc -l -p 6000 </data/rows >/dev/null; done"
    )
    db = Companion("db", command=keep, volumes=("/data",), ready_port=5000)
    other = Companion("other", command=give, volumes=("/data",), after=("db",))
    seed = shell("echo seeded | nc localhost 5000")
    sha = agent.image(SERVE)
    for _ in range(2):
        run(agent, sha, run=settings(db, other, hooks=(seed,)))
    assert agent.states.count("TASK_RUNNING") == 2, agent.message
    assert [header for header in agent.log.headers if header.startswith("hook")] == [
        f"hook 1/1: {' '.join(seed[:2])} '{seed[2]}'"
    ]
    rows = shell("cat /data/rows; sleep 1000")
    run(agent, sha, run=settings(Companion("db", command=rows, volumes=("/data",))))
    assert b"db | seeded\n" in agent.log.data
    # Each has its own, and that of the other stays empty.
    assert b"other | seeded" not in agent.log.data
    assert len(agent.volumes()) == 2


def test_a_companion_of_another_stage_is_built_of_the_same_commit(agent: Agent) -> None:
    dockerfile = "FROM scratch AS base\nCOPY busybox /bin/busybox\n"
    dockerfile += 'RUN ["/bin/busybox", "--install", "-s", "/bin"]\n'
    dockerfile += "FROM base AS worker\nRUN echo i am a worker > /me\n"
    dockerfile += "FROM base AS web\n" + "\n".join(serving("web")) + "\n"
    sha = agent.repository.commit_app([], {"Dockerfile": dockerfile})
    worker = Companion("worker", target="worker", command=shell("cat /me; exec sleep 1000"))
    assert agent.answer(sha, run=settings(worker)) == "web\n"
    assert b"worker | i am a worker\n" in agent.log.data
    tag = names.image_tag(APP, sha, stage="worker")
    agent.tags.append(tag)
    inspected = agent.client.inspect_image(tag)  # type: ignore[no-untyped-call]
    assert inspected["Config"]["Labels"]["prevs.commit"] == sha
    # What is the application's stage is built once.
    same = Companion("same", target="web", command=shell("exec sleep 1000"))
    answer = agent.answer(sha, run=settings(same), build=BuildSettings(target="web"))
    assert answer == "web\n"
    assert len([header for header in agent.log.headers if header.startswith("building")]) == 2


def test_several_services_are_built_of_one_checkout_and_one_by_a_recipe(agent: Agent) -> None:
    recipe = DOCKERFILE + "COPY . /src\nRUN test ! -e /src/secret\n" + "\n".join(serving("recipe"))
    worker = BuildSettings("worker/Dockerfile", "worker", target="made", args={"WHO": "worker"})
    made = DOCKERFILE.replace("scratch", "scratch AS made") + "ARG WHO\nRUN echo i am $WHO > /me\n"
    busybox = BUSYBOX.read_bytes()
    sha = agent.repository.commit(
        {
            "busybox": busybox,
            "secret": "",
            ".dockerignore": "secret\n",
            "worker/busybox": busybox,
            "worker/Dockerfile": made + "FROM scratch AS other\n",
        }
    )
    companion = Companion("worker", build=worker, command=shell("cat /me; exec sleep 1000"))
    assert (
        agent.answer(sha, run=settings(companion), build=BuildSettings(text=recipe)) == "recipe\n"
    )
    assert b"worker | i am worker\n" in agent.log.data
    found = agent.client.images(filters={"label": f"prevs.commit={sha}"})
    tags = [tag for image in found for tag in image["RepoTags"] or ()]
    agent.tags += tags
    assert len(tags) == 2


def test_files_of_the_commit_are_in_containers_also_when_the_image_is_there(agent: Agent) -> None:
    files = {"conf/app.conf": "from the commit\n", "site/index.html": "mounted\n", ".hidden": ""}
    sha = agent.repository.commit_app(serving("image"), files)
    look = "ls -ln /etc/app.conf /run/key; cat /etc/app.conf /run/key; echo more >> /etc/own.conf"
    db = Companion(
        "db",
        build=BuildSettings(),
        command=shell(f"{look}; cat /etc/own.conf; exec sleep 1000"),
        container=ContainerSettings(
            user="1234",
            files=(
                MountedFile("/etc/app.conf", "conf/app.conf", read_only=True),
                MountedFile("/etc/own.conf", "conf/app.conf"),
                MountedFile("/run/key", secret="KEY"),
            ),
        ),
    )
    own = ContainerSettings(files=(MountedFile("/www", "site"),))
    wanted = settings(db, container=own)
    for _ in range(2):
        assert agent.answer(sha, run=wanted, environment={"KEY": "value"}) == "mounted\n"
    lines = agent.log.data.decode().splitlines()
    assert len([one for one in lines if one.startswith("db | -r--r--r--    1 0        0")]) == 2
    assert len([one for one in lines if one.startswith("db | -rw-r--r--    1 1234     0")]) == 2
    assert lines.count("db | from the commit") == lines.count("db | valuefrom the commit") == 2
    assert lines.count("db | more") == 2
    taken = [one for one in agent.log.headers if one.startswith(("taking files", "fetching"))]
    assert len(taken) == 2
    answer = agent.answer(sha, run=settings(container=own, read_only=True))
    assert answer == "mounted\n"


def test_containers_that_are_apart_have_an_address_each_and_leave_no_network(agent: Agent) -> None:
    serve = shell(f"export PORT=8080; {SERVE}")
    api = Companion(
        "api", command=serve, ready_port=8080, container=ContainerSettings(names=("v2",))
    )
    other = Companion("other", command=serve, ready_port=8080)
    asks = "for one in api v2 other app web; do wget -q -O - http://$one:8080/ && echo $one; done"
    # The application itself is reached at its names once it listens.
    script = f"echo app > /www/index.html; {{ sleep 1; {asks}; echo over; }} & {SERVE}"
    seen: dict[str, Any] = {}

    def look() -> None:
        seen.update(find(agent))
        wait_until(lambda: b"over\n" in agent.log.data)

    wanted = settings(api, other, command=shell(script), apart=True, service="web")
    run(agent, agent.image(SERVE), look, run=wanted, start_limit=20.0)
    assert seen, agent.message
    lines = agent.log.data.decode().splitlines()
    assert [one for one in ("api", "v2", "other", "app", "web") if one not in lines] == [], lines
    networks = {name: one["NetworkSettings"]["Networks"] for name, one in seen.items()}
    addresses = {end["IPAddress"] for ends in networks.values() for end in ends.values()}
    assert len(addresses) == 3
    [network] = {name for ends in networks.values() for name in ends}
    assert agent.client.networks(names=[network]) == []


@pytest.mark.parametrize("apart", [False, True], ids=["in one network", "apart"])
def test_each_service_answers_at_a_port_of_the_agent(
    agent: Agent, free_port: Callable[[], int], apart: bool
) -> None:
    # A companion listens later than it runs, and the application only after it.
    script = f"mkdir -p /tmp/r; echo i am result > /tmp/r/index.html; sleep 0.3; {LISTEN}"
    result = Companion("result", command=shell(script), port=81)
    port, answers = free_port(), dict[str, str]()

    def look() -> None:
        answers.update(app=agent.get(), result=agent.get(port))

    services = {"result": PublishedService(port, "http://result--main.hello.localhost/")}
    wanted = settings(DB, result, apart=apart)
    run(agent, agent.image(SERVE), look, run=wanted, services=services)
    assert answers == {"app": "hello\n", "result": "i am result\n"}, agent.message


def test_one_that_runs_once_ends_before_those_after_it(agent: Agent) -> None:
    migrate = Companion("migrate", command=shell("sleep 0.5; echo migrated"), once=True)
    worker = Companion("worker", command=shell("echo working; exec sleep 1000"), after=("migrate",))
    assert agent.answer(agent.image(SERVE), run=settings(migrate, worker)) == "hello\n"
    log = agent.log.data
    assert log.index(b"migrate | migrated\n") < log.index(b"worker | working\n")
    failing = dataclasses.replace(migrate, command=shell("echo no table; exit 4"))
    agent.run(agent.image(SERVE), run=settings(failing, worker))
    assert agent.report.cause is Cause.COMPANION_FAILED
    assert "The companion migrate exited with code 4" in agent.message
    assert "before those after it may start" in agent.message


def test_a_reaper_removes_the_network_of_a_dead_attempt_alone(agent: Agent) -> None:
    folder = WorkFolder(agent.config.dir)
    lock = folder.hold("hello.1.lives")
    made = []
    for attempt in ("lives", "dead"):
        labels = {GUARDED: folder.id(), "prevs.task": f"hello.1.{attempt}"}
        own = OwnNetwork(f"prevs-own-{APP}-{attempt}", labels)
        made.append(PreviewNetwork(APP, own=own))
        made[-1].ensure(agent.client)
    try:
        reap(Daemon(agent.environ), folder)
        names_left = [one["Name"] for one in agent.client.networks(names=[f"prevs-own-{APP}"])]
        assert names_left == [made[0].name]
    finally:
        os.close(lock)
        for network in made:
            network.remove(agent.client)
