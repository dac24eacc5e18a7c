"""The records of jobs and schedules whose bytes test_pinned_bytes.py pins."""

from typing import Any

from prevs.commit_settings import CommitSettings
from prevs.job_settings import JobSettings
from prevs.jobs import (
    Callback,
    CallbackState,
    EndedJobsRecord,
    JobRecord,
    JobState,
    PayloadRecord,
    ResultRecord,
)
from prevs.records import EndedAttempt, Failure
from prevs.schedules import Missed, Overlap, ScheduleRecord, ScheduleSettings, SkippedTime
from prevs.states import Cause
from prevs.work import Progress, Work

ID = "k3j9x0q2ab"
SHA = "5c80e7d1a2b3c4d5e6f708192a3b4c5d6e7f8091"
TASK = f"hello.{SHA}.k3j9x0q2ab"

WORK = Work(
    job=ID,
    command=("python", "report.py"),
    timeout=900.0,
    number=2,
    nominal=1700000000.0,
    environment={"MODE": "größe"},
    payload="NDI=",
    stdin=True,
    told={"TASK_ID": ID},
    before="It gave way.",
    linger=5.0,
)

TERMS = JobSettings(
    command=("python", "report.py"),
    cpus=0.5,
    mem=512,
    timeout=900.0,
    retries=3,
    delay=5.0,
    no_retry=(2,),
    retry_only=(75,),
    once=True,
    preemptible=True,
    priority=2,
    exclusive="database",
    expires=60.0,
    schedule=ScheduleSettings(
        cron="0 6 * * mon-fri",
        every=3600,
        zone="Europe/Berlin",
        overlap=Overlap.QUEUE,
        missed=Missed.ALL,
        deadline=600.0,
        spread=30.0,
    ),
)

JOB = JobRecord(
    app="hello",
    id=ID,
    sha=SHA,
    label="main",
    terms=TERMS,
    state=JobState.FAILED,
    name="report",
    refs=("heads/main", "tags/v1"),
    stranger=True,
    by="deploys",
    group="nightly",
    schedule="morning",
    nominal=1700000000.0,
    payload_size=12,
    has_payload=True,
    stdin=True,
    created=1700000000.25,
    changed=1700000001.5,
    tries=3,
    failures=2,
    consecutive_losses=1,
    retry_at=1700000004.0,
    avoid_agent="6f1c-S1",
    task_id=TASK,
    agent_id="6f1c-S0",
    agent_host="127.0.0.2",
    phase="running",
    detail="3/5 RUN make",
    began=1700000002.0,
    starts_again=True,
    reason="no agent has 2048 MB free",
    reason_kind="waits",
    failure=Failure(Cause.APP_EXITED, "It exited with code 3.", 3),
    exit_code=3,
    progress=Progress(40, "half way, größe"),
    result="NDI=",
    result_size=2,
    attempts=(EndedAttempt(number=2, task_id=TASK, began=1700000000.5, ended=1700000001.5),),
    settings=CommitSettings(mem=512),
    digest="sha256:" + "5c80e7d1" * 8,
    order_digest="5c80e7d1" * 8,
    callback=Callback("ci", CallbackState.GIVEN_UP, 1700000002.5, 503, "größe"),
    revocable=True,
)

WRITTEN: dict[str, Any] = {
    "schedule": ScheduleRecord(
        app="hello",
        name="report",
        label="main",
        job="report",
        cron="0 6 * * mon-fri",
        zone="Europe/Berlin",
        start_at=1700000000,
        end_at=1800000000,
        times=100,
        overlap=Overlap.QUEUE,
        missed=Missed.ALL,
        deadline=3600.0,
        spread=300.0,
        paused=True,
        last=1700028000.0,
        count=3,
        skipped=(SkippedTime(1700028000, "Größe: it was paused."),),
        created=1700000000.25,
        token="deploys",
        from_file=True,
        convention="ironworker",
    ),
    "schedule_command": ScheduleRecord(
        app="hello",
        name="clean",
        label="v1",
        command=("python", "clean.py"),
        every=3600,
        sealed="gAAAAABl",
    ),
    "job": JOB,
    "ended_jobs": EndedJobsRecord(app="hello", number=7, jobs=(JOB,)),
    "payload": PayloadRecord(app="hello", id=ID, sealed="gAAAAABl"),
    "result": ResultRecord(app="hello", id=ID, data="NDI="),
}

LEAST: dict[str, Any] = {
    "schedule": ScheduleRecord(app="hello", name="report", label="main"),
    "job": JobRecord(
        app="hello", id=ID, sha=SHA, label="main", terms=JobSettings(command=("true",))
    ),
    "ended_jobs": EndedJobsRecord(app="hello", number=0),
    "payload": PayloadRecord(app="hello", id=ID, sealed="gAAAAABl"),
    "result": ResultRecord(app="hello", id=ID, data="NDI="),
}
