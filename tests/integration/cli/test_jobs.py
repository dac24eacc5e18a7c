"""`prevs job`, against an API on a real socket."""

import json
import time
from base64 import b64decode
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from starlette.types import Receive, Scope, Send

from cli.__main__ import main, prevs
from cli.command_context import CommandContext
from framework.apps.receivers import Receiver
from framework.jobs import callbacks
from framework.ports.notifications import CallbackTry, LastTry
from prevs.jobs import CallbackState, JobState
from prevs.states import Cause
from prevs.work import Progress
from tests.fakes.jobs_api import BUILD, JobsApi
from tests.integration.cli.command_runs import Run, on_terminal

pytestmark = pytest.mark.integration


@pytest.fixture
def api() -> JobsApi:
    return JobsApi()


def start(run: Run) -> str:
    """Return the id of a new job."""
    return run("job", "start", "hello", "main", "--job", "report").out.strip()


def test_one_job_is_started_and_its_id_printed(api: JobsApi, run: Run) -> None:
    done = run("job", "start", "hello", "main", "--job", "report")
    assert (done.status, done.out) == (0, f"{api.only}\n")
    assert f"prevs job logs hello {api.only} -f" in done.err
    assert api.bodies == [{"label": "main", "job": "report"}]


def test_many_jobs_are_a_group_in_requests_of_a_thousand(api: JobsApi, run: Run) -> None:
    done = run("job", "start", "hello", "main", "-n", "1001", "--", "./work it.py")
    group = done.out.strip()
    assert group.startswith("work-it-py-")
    assert {job.group for job in api.known.values()} == {group}
    assert [len(body.get("jobs", "1")) for body in api.bodies] == [1000, 1]
    assert len(set(api.keys)) == 2
    assert f"prevs job cancel hello --group {group}" in done.err
    cancelled = run("job", "cancel", "hello", "--group", group)
    assert "1001 jobs are being cancelled" in cancelled.err
    assert {job.state for job in api.known.values()} == {JobState.CANCELLED}


def test_what_is_started_is_told_if_the_rest_is_refused(api: JobsApi, run: Run) -> None:
    api.jobs.most = 2000
    api.jobs.take_over()
    run("job", "start", "hello", "main", "-n", "500", "--job", "report")
    done = run("job", "start", "hello", "main", "-n", "2500", "--job", "report")
    assert done.status == 1
    assert "1000 jobs are started: `prevs job cancel hello --group report-" in done.err


def test_each_line_of_a_file_is_the_payload_of_a_job(
    api: JobsApi, run: Run, tmp_path: Path
) -> None:
    lines = tmp_path / "orders.jsonl"
    lines.write_bytes(b'{"id": 1}\n\n{"id": "\xc3\xbc"}\r\n{"id": 3}')
    assert run("job", "start", "hello", "main", "--job", "import", "--each", str(lines)).status == 0
    orders = api.bodies[0]["jobs"]
    payloads = [json.loads(b64decode(order["payload_base64"]))["id"] for order in orders]
    assert payloads == [1, "ü", 3]
    lines.write_bytes(b"\n")
    empty = run("job", "start", "hello", "main", "--job", "import", "--each", str(lines))
    assert (empty.status, len(api.bodies)) == (2, 1)
    lines.write_bytes(b"1\n" + b"x" * 65537)
    long = run("job", "start", "hello", "main", "--job", "import", "--each", str(lines))
    assert (long.status, len(api.bodies)) == (2, 1)
    assert "Line 2" in long.err


def test_a_range_is_given_as_git_takes_one(api: JobsApi, run: Run) -> None:
    for wrong in ("main", "v1..", "..main", "v1...main"):
        done = run("job", "start", "hello", "--commits", wrong, "--job", "test")
        assert done.status == 2
        assert "is no range of commits. Give A..B" in done.err
    assert not api.requests


@pytest.mark.parametrize(
    ("args", "why"),
    [
        ("--job x -n 2", "Give either LABEL or --commits"),
        ("main --job x --commits a..b", "Give either LABEL or --commits"),
        ("main --job x --commits a..b -n 2", "Use one of -n, --each and --commits"),
        ("main", "Give either --job NAME, or -- and the command"),
    ],
)
def test_wrong_use_starts_nothing(api: JobsApi, run: Run, args: str, why: str) -> None:
    done = run("job", "start", "hello", *args.split())
    assert done.status == 2
    assert why in done.err
    assert api.requests == []


def test_wait_shows_how_far_a_group_is_and_fails_if_a_job_does(api: JobsApi, run: Run) -> None:
    async def end_all(scope: Scope, receive: Receive, send: Send) -> None:
        first, second = api.known
        for job_id in (first, second):
            api.build(job_id=job_id)
            api.begin(job_id=job_id)
        api.succeed(first)
        api.fail_job(Cause.APP_EXITED, "The command ended.", 3, second)
        await api.app(scope, receive, send)

    api.next = [api.app, end_all]
    done = run("job", "start", "hello", "main", "-n", "2", "--wait", "--job", "report")
    assert done.status == 1
    head, *rows = done.out.splitlines()
    assert head.split()[:5] == ["ID", "APP", "COMMIT", "STATE", "EXIT"]
    # Jobs of one millisecond have no order among those that the stand-in knows.
    assert sorted(row.split()[3:5] for row in rows) == [["failed", "3"], ["succeeded", "0"]]
    assert "2 jobs: 2 wait" in done.err
    assert "2 jobs: 1 have succeeded, 1 have failed" in done.err
    assert "1 of 2 jobs did not succeed" in done.err


def test_jobs_are_listed_newest_first_with_why_they_wait_or_failed(api: JobsApi, run: Run) -> None:
    assert "no jobs yet" in run("job", "ls").err
    one = start(run)
    api.jobs.clock.pass_seconds(1.0)
    two = start(run)
    api.build(job_id=one)
    api.begin(job_id=one, progress=Progress(40, "half way"))
    first, second = run("job", "ls", "hello").out.splitlines()[1:]
    assert first.split()[:4] == [two[:8], "hello", "de6b329", "queued"]
    assert second.split()[:4] == [one[:8], "hello", "de6b329", "running"]
    assert "40 % half way" in second
    assert len(json.loads(run("job", "ls", "--state", "active", "--json").out)) == 2
    assert "There are no such jobs" in run("job", "ls", "hello", "--state", "failed").err
    assert "There are more" in run("job", "ls", "--limit", "1").err
    api.fail_job(Cause.APP_EXITED, "The command exited with code 3.", 3, one)
    failed = run("job", "ls", "--state", "failed").out
    assert "The command exited with code 3." in failed


def test_a_job_is_shown_with_its_attempts_by_the_beginning_of_its_id(
    api: JobsApi, run: Run
) -> None:
    one = start(run)
    api.work("half\n")
    api.lose("The agent is lost.")
    shown = run("job", "show", "hello", one[:5]).out
    assert one in shown
    assert "after 2.0 s: The agent is lost" in shown
    assert "0 of 3" in shown
    assert json.loads(run("job", "show", "hello", one, "--json").out)["id"] == one
    assert f"Did you mean {one[:8]}" in run("job", "show", "hello", f"{one[:5]}9").err
    assert "at least 4 characters" in run("job", "show", "hello", one[:3]).err
    assert "half" in run("job", "logs", "hello", one, "--attempt", "1").out


def test_a_receiver_is_told_of_the_end_and_its_answer_is_shown(api: JobsApi, run: Run) -> None:
    refused = run("job", "start", "hello", "main", "--job", "report", "--callback", "ci")
    assert refused.status == 1
    assert "'hello' sends no notifications to 'ci'" in refused.err
    api.jobs.add_receiver(Receiver("ci", "https://ci.example.org/hunter2", "whsec_"))
    run("run", "hello", "main", "-d", "--job", "report", "--callback", "ci")
    shown = run("job", "show", "hello", api.only).out
    assert "ci is told when it has ended" in shown
    api.expire()
    why = "ci.example.org answered with the status 503."
    now = time.time()
    failed = LastTry(now - 60, 503, why)
    api.callback_tries["hello", api.only] = CallbackTry(failed, now + 95.5)
    shown = run("job", "show", "hello", api.only).out
    told_again = f"ci is still to be told, 1 min ago: {why} It is tried again in 1 min 3"
    assert told_again in " ".join(shown.split())
    job = api.known[api.only]
    told = callbacks.settle(job, CallbackState.TOLD, time.time() - 60, status=204, problem="")
    api.jobs.records.jobs.save_all([told])
    shown = run("job", "show", "hello", api.only).out
    assert "ci was told, 1 min ago: It was taken (204)." in " ".join(shown.split())


def test_a_log_is_printed_whole_or_followed_to_the_end(api: JobsApi, run: Run) -> None:
    one = start(run)
    api.work("größe\nthe end\n")
    api.succeed()
    assert run("job", "logs", "hello", one[:6]).out == f"{BUILD}größe\nthe end\n"
    assert run("job", "logs", "hello", one, "--tail").out.endswith("the end\n")
    followed = run("job", "logs", "hello", one, "-f")
    assert followed.out == f"{BUILD}größe\nthe end\n"
    assert "has succeeded" in followed.err
    assert run("job", "logs", "hello", one, "-f", "--tail").status == 2


def test_a_result_is_printed_byte_by_byte_but_safe_on_a_terminal(
    api: JobsApi, environ: dict[str, str], capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(("job", "start", "hello", "main", "--job", "report"), environ) == 0
    result = ("job", "result", "hello", api.only)
    capfdbinary.readouterr()
    assert main(result, environ) == 1
    assert b"has no result" in capfdbinary.readouterr().err
    api.work("")
    api.succeed(result=b"\x1b[2J\xff\x00")
    assert main(result, environ) == 0
    assert capfdbinary.readouterr().out == b"\x1b[2J\xff\x00"
    assert "\x1b[2J" not in on_terminal(list(result), environ)


def test_a_job_is_cancelled_and_started_again(api: JobsApi, run: Run) -> None:
    one = start(run)
    api.work("")
    assert "is being ended" in run("job", "cancel", "hello", one[:4]).err
    api.end_cancelled()
    again = run("job", "retry", "hello", one[:4])
    assert again.out.strip() in api.known
    assert len(api.known) == 2
    assert run("job", "cancel", "hello").status == 2
    assert run("job", "cancel", "hello", one, "--group", "g").status == 2


def test_shells_complete_the_ids_and_groups_of_an_app(
    api: JobsApi, environ: dict[str, str], run: Run
) -> None:
    def complete(*words: str) -> list[str]:
        known = ShellComplete(prevs, {"obj": CommandContext(environ)}, "prevs", "_PREVS_COMPLETE")
        return [one.value for one in known.get_completions(list(words[:-1]), words[-1])]

    group = run("job", "start", "hello", "main", "-n", "2", "--job", "report").out.strip()
    assert sorted(complete("job", "show", "hello", "")) == sorted(api.known)
    assert complete("job", "cancel", "hello", "--group", "rep") == [group]
    assert complete("job", "ls", "--group", "") == [group]
    assert complete("run", "hello", "ma") == ["main"]
