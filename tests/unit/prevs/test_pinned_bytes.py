"""The bytes of every record and message, from 0.1.0 on (docs/stable.md).

tests/data/records/v1/<name>.json is what is written today: a change that breaks one of these
needs a new version, a folder for it, and a reader for v1. <name>.least.json has the required
fields only: it must stay readable.
"""

from pathlib import Path
from typing import Any

import pytest

from prevs.access import Access, AccessRecord, IssuedPass
from prevs.commit_settings import CommitSettings
from prevs.gates import ConditionKind, Override, Sticky
from prevs.jobs import JobState
from prevs.messages import (
    BuildOrder,
    Credential,
    Isolation,
    KnownProxies,
    ProxyAddress,
    TaskReport,
)
from prevs.records import (
    AgentsRecord,
    AppRecord,
    EndedAttempt,
    Failure,
    InstallationRecord,
    LeaderRecord,
    Mistake,
    Placement,
    PlacementsRecord,
    PortRange,
    PreviewRecord,
    ProxyRecord,
    RecordError,
    SecretsRecord,
    Step,
    TokenRecord,
)
from prevs.roles import RoleRecord
from prevs.schedules import Missed, Overlap
from prevs.states import Cause, Phase, State
from prevs.work import Progress
from tests.unit.prevs import pinned_gates, pinned_jobs, pinned_pulls, pinned_stacks
from tests.unit.prevs.pinned_settings import BUILD, RUN

FOLDER = Path(__file__).parents[2] / "data" / "records" / "v1"
SHA = "5c80e7d1a2b3c4d5e6f708192a3b4c5d6e7f8091"
TASK = f"hello.{SHA}.k3j9x0q2ab"
DIGEST = "sha256:" + "5c80e7d1" * 8

PROXIES = KnownProxies(1700000000250, (ProxyAddress("10.0.0.7", 998), ProxyAddress("fd00::7")))

WRITTEN: dict[str, Any] = {
    "known_proxies": PROXIES,
    "app": AppRecord(
        name="hello",
        repository="https://git.example.org/größe.git",
        port=8000,
        cpus=0.5,
        mem=256,
        max_previews=3,
        health="/healthz",
        idle_after=60,
        keep_warm=("mon-fri 08:00-18:00",),
        constraints=("zone=a|b",),
        created=1700000000.25,
        removed=True,
        folder="services/web",
        max_cpus=2.0,
        max_mem=1024,
        room="status",
        forge="gitea",
        pulls="all",
        forks="members",
        warm="branches",
        tell=("status", "deployment"),
        max_jobs=4,
    ),
    "preview": PreviewRecord(
        app="hello",
        sha=SHA,
        state=State.FAILED,
        labels=("main", "v1"),
        task_id=TASK,
        agent_id="6f1c-S0",
        agent_host="127.0.0.2",
        host_port=31000,
        phase="building",
        reason="no agent has 2048 MB free",
        reason_kind="waits",
        failure=Failure(Cause.BUILD_FAILED, "RUN exited with 7.", 7, (Mistake(3, "not known"),)),
        created=1700000000.0,
        changed=1700000001.5,
        started=1700000002.0,
        last_used=1700000003.0,
        pinned=True,
        starts_again=True,
        consecutive_losses=2,
        retry_at=1700000004.0,
        avoid_agent="6f1c-S1",
        unreferenced_since=1700000005.0,
        detail="3/5 RUN make",
        steps=(Step("queued", 1700000000.0), Step("building", 1700000002.5)),
        step_seconds={"queued": 0.5, "building": 48.0},
        settings_for="services/web 2 1024",
        settings=CommitSettings(
            port=8000, health="/up", start_limit=120.0, cpus=0.5, mem=512, build=BUILD, run=RUN
        ),
        digest=DIGEST,
        protocol="h2",
        memory_kills=3,
        refs=("heads/main", "tags/v1"),
        attempts=(
            EndedAttempt(
                number=7,
                task_id=TASK,
                began=1700000000.5,
                ended=1700000001.5,
                agent_id="6f1c-S0",
                agent_host="127.0.0.2",
                reached="building",
                cause=Cause.BUILD_FAILED,
                exit_code=7,
                why="RUN exited with 7.",
            ),
        ),
        ahead=True,
        moved_from="127.0.0.3",
    ),
    "placements": PlacementsRecord(
        app="hello",
        placements={SHA: Placement(TASK, "127.0.0.2", 31000, ("main", "v1"), "h2")},
        signatures={SHA: "5c80e7d1" * 8},
        failed={"main": "5c80e7d1" * 5},
    ),
    "agents": AgentsRecord(
        ports={"127.0.0.2": (PortRange(31000, 31005), PortRange(31007, 32000))},
        signature="5c80e7d1" * 8,
    ),
    "proxy": ProxyRecord({"hello": 7, "shop": 0}, holding=(TASK,), gates={"api": 7}),
    "leader": LeaderRecord(api="http://10.0.0.5:8090", process="a.example.org/71/5c80e7d1"),
    "installation": InstallationRecord(
        master="zk:///mesos",
        name="prevs",
        role="teams",
        user="prevs",
        domain="previews.example.org",
        principal="prevs-framework",
        jobs_role="teams-jobs",
    ),
    "token": TokenRecord(
        name="deploys", scope="use", digest="5c80e7d1" * 8, created=1700000000.25, app="shop"
    ),
    "secrets": SecretsRecord(app="hello", sealed="gAAAAABl"),
    "access": AccessRecord(
        app="hello",
        access=Access.PASSWORD,
        era=1700000000250,
        passes={
            "5c80e7d1a2b3c4d5": IssuedPass(
                "demo", "share", 1700604800.25, "main", "deploys", 1700000000.25
            )
        },
        preflight=True,
        signature="5c80e7d1" * 8,
    ),
    "preview_stranger": PreviewRecord(
        app="hello", sha=SHA, state=State.QUEUED, refs=("pull/7",), stranger=True
    ),
    "role": RoleRecord(scope="use", group="größe/team", app="hello", created=1700000000.25),
    "role_person": RoleRecord(scope="admin", person="ada@example.org", created=1700000000.25),
    "build_order": BuildOrder(
        app="hello",
        sha=SHA,
        label="main",
        repository="/srv/hello",
        container_port=8080,
        host="127.0.0.2",
        host_port=31000,
        cpus=0.1,
        mem=128,
        health="/healthz",
        url="http://main.hello.localhost:8080/",
        fetch_limit=1.0,
        build_limit=2.0,
        start_limit=3.0,
        stop_grace=4.0,
        folder="services/web",
        build=BUILD,
        run=RUN,
        environment={"MODE": "preview"},
        secrets={"API_KEY": "hunter2"},
        credential=Credential("deploy", "hunter2", "a key", "git.example.org ssh-ed25519 AAAA"),
        registry="10.0.0.5:5000/prevs",
        digest=DIGEST,
        app_created=1700000000.25,
        control_plane=("10.0.0.1", "fd00::1"),
        build_only=("API_KEY",),
        run_only=("MODE",),
        withheld=2,
        trusted=False,
        ref="pull/7/head",
        work=pinned_jobs.WORK,
        instance="7be0ac6d" * 5,
        variant="feature-x",
        gates=("feature-x--cart-shop.prevs.example",),
        proxies=PROXIES,
    ),
    "task_report": TaskReport(
        phase=Phase.ENDED,
        cause=Cause.APP_EXITED,
        exit_code=3,
        detail="3/5 RUN make",
        began={"checking": 0.5},
        digest=DIGEST,
        protocol="h2",
        memory_kills=3,
        isolation=Isolation(
            allowed=("10.1.0.0/16",),
            required=True,
            builds=False,
            fetches=True,
            open="there is no iptables",
            builds_open="",
            builds_unlimited=None,
        ),
        progress=Progress(40, "half way, größe"),
        result="NDI=",
    ),
    **pinned_jobs.WRITTEN,
    **pinned_gates.WRITTEN,
    **pinned_pulls.WRITTEN,
    **pinned_stacks.WRITTEN,
}

LEAST: dict[str, Any] = {
    "app": AppRecord(name="hello", repository="/srv/hello"),
    "preview": PreviewRecord(app="hello", sha=SHA, state=State.QUEUED),
    "placements": PlacementsRecord(app="hello"),
    "agents": AgentsRecord(),
    "proxy": ProxyRecord(),
    "leader": LeaderRecord(api="http://10.0.0.5:8090", process="a.example.org/71/5c80e7d1"),
    "installation": InstallationRecord(
        master="zk:///mesos", name="prevs", role="teams", user="prevs", domain="localhost"
    ),
    "token": TokenRecord(name="deploys", scope="read", digest="5c80e7d1" * 8),
    "secrets": SecretsRecord(app="hello", sealed="gAAAAABl"),
    "access": AccessRecord(app="hello"),
    "role": RoleRecord(scope="read"),
    "build_order": BuildOrder(
        app="hello",
        sha=SHA,
        label="main",
        repository="/srv/hello",
        container_port=8080,
        host="127.0.0.2",
        host_port=31000,
        cpus=0.1,
        mem=128,
    ),
    "task_report": TaskReport(phase=Phase.FETCHING),
    **pinned_jobs.LEAST,
    **pinned_gates.LEAST,
    **pinned_pulls.LEAST,
    **pinned_stacks.LEAST,
}


@pytest.mark.parametrize("name", WRITTEN)
def test_a_record_is_written_with_the_pinned_bytes_and_still_read(name: str) -> None:
    record, written = WRITTEN[name], (FOLDER / f"{name}.json").read_bytes()
    assert (record.encode(), type(record).decode(written)) == (written, record)


@pytest.mark.parametrize("name", LEAST)
def test_the_required_fields_are_still_enough(name: str) -> None:
    record = LEAST[name]
    assert type(record).decode((FOLDER / f"{name}.least.json").read_bytes()) == record


def test_an_older_version_does_not_read_who_may_look_in_a_way_that_it_does_not_know() -> None:
    """Its proxies then let nobody in."""
    data = (FOLDER / "access.json").read_bytes().replace(b'"password"', b'"team-of-later"')
    with pytest.raises(RecordError):
        AccessRecord.decode(data)


def test_an_unknown_cause_leaves_the_record_readable() -> None:
    data = (FOLDER / "preview.json").read_bytes().replace(b"build-failed", b"of-a-later-version")
    failure = PreviewRecord.decode(data).failure
    shown = failure and (failure.cause, failure.message)
    assert shown == (Cause.EXECUTOR_FAILED, "RUN exited with 7.")


@pytest.mark.parametrize("value", [b"7", b"null", b"true"])
def test_an_invalid_cause_is_refused(value: bytes) -> None:
    data = (FOLDER / "preview.json").read_bytes().replace(b'"build-failed"', value)
    with pytest.raises(RecordError):
        PreviewRecord.decode(data)


def test_every_pinned_file_is_tested() -> None:
    expected = {f"{name}.json" for name in WRITTEN} | {f"{name}.least.json" for name in LEAST}
    assert {path.name for path in FOLDER.iterdir()} == expected


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (State, "queued placed building starting running draining stopped failed"),
        (Access, "public password team"),
        (Overlap, "skip queue replace allow"),
        (Missed, "last none all"),
        (ConditionKind, "method accept header cookie query"),
        (Override, "header query cookie"),
        (Sticky, "address cookie"),
        (Phase, "fetching building starting checking running ended"),
        (
            Cause,
            "repository-unreachable commit-missing dockerfile-missing build-failed start-failed "
            "app-exited never-listened unhealthy out-of-memory docker-unavailable task-lost "
            "task-rejected executor-failed settings-invalid hook-failed disk-full "
            "commit-too-large agent-unfit registry-unreachable agent-open timed-out expired "
            "result-unusable companion-failed",
        ),
        (JobState, "queued placed building running ending succeeded failed cancelled"),
    ],
)
def test_no_word_that_was_ever_stored_is_removed(kind: Any, values: str) -> None:
    assert set(values.split()) <= {member.value for member in kind}
