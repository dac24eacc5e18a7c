"""`prevs run`, against an API on a real socket: the output, the exit status, what is lost."""

import base64
import io
import json
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from starlette.types import Message, Receive, Scope, Send

from framework.ports import LogPart, RepositoryFile
from prevs import names
from prevs.jobs import JobState
from prevs.log_sources import Source
from prevs.states import Cause
from tests.fakes.answers import SHA
from tests.fakes.jobs_api import BUILD, JobsApi
from tests.integration.cli.command_runs import Run, beginning, on_terminal, process_environ
from tests.waits import wait_until

pytestmark = pytest.mark.integration

COMMAND = ("run", "hello", "main", "--", "./work", "--all")


@pytest.fixture
def api() -> JobsApi:
    return JobsApi()


def test_the_output_comes_alone_on_stdout_and_the_build_only_if_asked(
    api: JobsApi, run: Run
) -> None:
    api.script = [
        ("queued", lambda: api.build(detail="1/2 RUN make")),
        ("Step 1/2", lambda: api.begin("== one ==\ntwo\n")),
        ("two", api.succeed),
    ]
    done = run(*COMMAND)
    assert (done.status, done.out) == (0, "== one ==\ntwo\n")
    assert done.err.splitlines() == [
        "./work --all at hello@main (de6b329) is 1st in the queue",
        "./work --all at hello@main (de6b329) builds the image (1/2 RUN make)",
    ]
    assert api.bodies == [{"label": "main", "command": ["./work", "--all"]}]


def test_the_build_is_printed_if_asked(api: JobsApi, run: Run) -> None:
    api.script = [("queued", lambda: api.work("one\n")), ("one", api.succeed)]
    done = run("run", "-v", *COMMAND[1:])
    assert done.out == "one\n"
    assert "Step 1/2\n" in done.err
    assert "running" not in done.err


@pytest.mark.parametrize(
    ("cause", "exit_code", "status"),
    [
        (Cause.APP_EXITED, 3, 3),
        (Cause.OUT_OF_MEMORY, 137, 137),
        (Cause.APP_EXITED, 143, 143),
        (Cause.TIMED_OUT, None, 124),
        (Cause.TASK_LOST, None, 125),
        (Cause.DISK_FULL, 0, 125),
    ],
)
def test_the_exit_status_is_that_of_the_command(
    api: JobsApi, run: Run, cause: Cause, exit_code: int | None, status: int
) -> None:
    api.script = [
        ("queued", lambda: api.work("one\n")),
        ("one", lambda: api.fail_job(cause, "It has ended.", exit_code)),
    ]
    done = run(*COMMAND)
    assert (done.status, done.out) == (status, "one\n")
    assert "./work --all at hello@main (de6b329) failed: It has ended" in done.err


def test_a_job_that_somebody_else_cancels_ends_with_130(api: JobsApi, run: Run) -> None:
    def cancel() -> None:
        api.jobs.command(lambda commands: commands.cancel("hello", api.only, by="ada"))

    api.script = [("queued", cancel)]
    done = run(*COMMAND)
    assert done.status == 130
    assert "is cancelled: ada has cancelled it" in done.err


def test_stdout_and_stderr_stay_apart_and_bytes_stay_bytes(
    api: JobsApi, environ: dict[str, str]
) -> None:
    def work() -> None:
        api.build("")
        api.print_apart(
            LogPart(Source.PREVS, b"== building hello ==\n"),
            LogPart(Source.STDOUT, b"\xff\x00\x1b[31m"),
            LogPart(Source.STDERR, b"a warning\n\xfe"),
            LogPart(Source.STDOUT, "€\n".encode()[:2]),
            LogPart(Source.STDOUT, "€\n".encode()[2:]),
            LogPart(Source.PREVS, b"== kept 1 file of /run/prevs/artifacts ==\n"),
        )
        api.begin()
        api.succeed()

    api.script = [("queued", work)]
    done = subprocess.run(
        [sys.executable, "-m", "cli", *COMMAND],
        check=True,
        env=process_environ(environ),
        capture_output=True,
    )
    assert done.stdout == b"\xff\x00\x1b[31m" + "€\n".encode()
    assert b"a warning\n\xfe" in done.stderr
    assert b"kept 1 file" not in done.stderr


def test_what_is_missing_is_told_on_stderr_with_its_size(api: JobsApi, run: Run) -> None:
    known = "56,234 bytes are missing here: too much was printed to keep"
    unknown = "output may be missing here: Docker did not answer"

    def work() -> None:
        api.build("")
        api.print_apart(
            LogPart(Source.STDOUT, b"first\n"),
            LogPart(Source.NOBODY, f"\n== {known} ==\n".encode(), 56_234),
        )
        api.begin()

    def go_on() -> None:
        api.print_apart(
            LogPart(Source.STDOUT, b"last\n"),
            LogPart(Source.NOBODY, f"== {unknown} ==\n".encode(), None),
        )
        api.succeed()

    api.script = [("queued", work), ("56,234 bytes", go_on)]
    done = run(*COMMAND)
    assert (done.status, done.out) == (0, "first\nlast\n")
    assert done.err.splitlines()[-2:] == [f"5{known[1:]}.", f"O{unknown[1:]}."]


def test_a_command_that_never_began_is_told_with_the_end_of_the_build(
    api: JobsApi, run: Run
) -> None:
    api.script = [
        ("queued", lambda: api.build("== building hello ==\nno rule\nto make x")),
        ("no rule", lambda: api.fail_job(Cause.BUILD_FAILED, "make failed.", 7)),
    ]
    done = run(*COMMAND)
    assert (done.status, done.out) == (125, "")
    assert "  no rule\n  to make x\n" in done.err
    assert "failed: make failed. (exit code 7)" in done.err
    assert f"prevs job retry hello {api.only}" in done.err


def test_what_the_api_refuses_ends_with_125(api: JobsApi, run: Run) -> None:
    done = run("run", "hello", "feature/x", "--job", "report")
    assert (done.status, done.out) == (125, "")
    assert "feature/x" in done.err
    done = run("run", "hello", "main", "--job", "raport")
    assert done.status == 125
    assert "Did you mean report?" in done.err


def test_mistakes_in_the_settings_of_the_commit_are_told_by_line(api: JobsApi, run: Run) -> None:
    data = b"[jobs.x]\ncomand = ['true']\n"
    api.refs.files["hello", SHA, ".prevs.toml"] = RepositoryFile("file", len(data), data)
    done = run("run", "hello", "main", "--job", "x")
    assert done.status == 125
    assert "  line 2: " in done.err


def test_a_connection_that_breaks_in_a_log_goes_on_after_the_last_byte(
    api: JobsApi, run: Run
) -> None:
    def print_and_cut() -> None:
        api.print("zwei ü\n")
        api.cut()

    api.script = [
        ("queued", lambda: api.work("one\n")),
        ("one", print_and_cut),
        ("zwei", lambda: api.print("three\n")),
        ("three", api.succeed),
    ]
    done = run(*COMMAND)
    assert (done.status, done.out) == (0, "one\nzwei ü\nthree\n")
    assert api.resumed_after == [None, str(len(f"{BUILD}one\n"))]
    assert "The connection is lost. Connecting again ..." in done.err


def test_another_attempt_has_a_build_and_an_output_of_its_own(api: JobsApi, run: Run) -> None:
    api.script = [
        ("queued", lambda: api.work("some lines of output\n")),
        ("some lines", lambda: api.lose("Its agent was lost.")),
        ("agent was lost", lambda: api.work("again\n")),
        ("again", api.succeed),
    ]
    done = run(*COMMAND)
    assert (done.status, done.out) == (0, "some lines of output\nagain\n")
    assert "Another attempt begins" in done.err
    assert "waits for an agent: Its agent was lost" in done.err


def test_an_answer_that_is_lost_makes_no_second_job(api: JobsApi, run: Run) -> None:
    async def lose(scope: Scope, receive: Receive, send: Send) -> None:
        async def cut(message: Message) -> None:
            if message["type"] == "http.response.body":
                api.jobs.take_over()  # what is in memory goes with the leader
                api.cut()
            await send(message)

        await api.app(scope, receive, cut)

    api.next = [lose]
    done = run("run", "hello", "main", "-d", "--job", "report")
    assert (done.status, done.out) == (0, f"{api.only}\n")
    assert f"prevs job logs hello {api.only} -f" in done.err
    [first, second] = api.keys
    assert first == second
    run("run", "hello", "main", "-d", "--job", "report")
    assert len(api.known) == 2


def test_an_order_has_what_the_options_say(
    api: JobsApi, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.refs.put("hello", names.slug("feature/x"), SHA)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xff\n1")))
    options = "-d --json --stdin -e A=1=2 -e B --timeout 9 --priority 2 --retries 0 --once"
    share = ("--cpus", "0.05", "--mem", "64")
    done = run("run", "hello", "feature/x", "--job", "report", *options.split(), *share, B="b")
    assert json.loads(done.out)["name"] == "report"
    assert api.bodies == [
        {
            "label": names.slug("feature/x"),
            "job": "report",
            "payload_base64": base64.b64encode(b"\xff\n1").decode(),
            "stdin": True,
            "environment": {"A": "1=2", "B": "b"},
            "cpus": 0.05,
            "mem": 64,
            "timeout": 9.0,
            "priority": 2,
            "retries": 0,
            "once": True,
        }
    ]
    terms = api.known[api.only].terms
    assert (terms.timeout, terms.priority, terms.retries, terms.once) == (9.0, 2, 0, True)


@pytest.mark.parametrize(
    ("args", "why"),
    [
        ("run hello main", "either --job NAME, or -- and the command"),
        ("run hello main --job x -- y", "either --job NAME, or -- and the command"),
        ("run hello main --json -- y", "Use --json with --detach"),
        ("run hello main -e NONE -- y", "no such variable here"),
    ],
)
def test_wrong_use_is_told_before_anything_is_requested(
    api: JobsApi, run: Run, args: str, why: str
) -> None:
    done = run(*args.split())
    assert done.status == 2
    assert why in done.err
    assert api.requests == []


def test_too_much_stdin_is_refused(api: JobsApi, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"x" * 65537)))
    done = run("run", "hello", "main", "--stdin", "--", "wc")
    assert done.status == 2
    assert "65,536" in done.err
    assert api.requests == []


@pytest.fixture
def process(
    api: JobsApi, environ: dict[str, str], interruptible: None
) -> Iterator["subprocess.Popen[str]"]:
    """`prevs run` as a process that has printed the first line of its command's output."""
    with beginning(COMMAND, environ) as process:
        wait_until(lambda: bool(api.known), "the job is requested")
        api.work("one\n")
        assert process.stdout is not None
        assert process.stdout.readline() == "one\n"
        yield process


def read_until(process: subprocess.Popen[str], words: str) -> str:
    assert process.stderr is not None
    for line in process.stderr:
        if words in line:
            return line
    raise AssertionError(f"it ended without {words!r}")


def test_ctrl_c_tells_that_the_job_goes_on_and_a_second_one_cancels_it(
    api: JobsApi, process: subprocess.Popen[str]
) -> None:
    process.send_signal(signal.SIGINT)
    told = read_until(process, "goes on")
    assert "Press Ctrl-C again to cancel it" in told
    assert f"prevs job cancel hello {api.only}" in told
    api.print("two\n")
    assert process.stdout is not None
    assert process.stdout.readline() == "two\n"
    assert api.state is JobState.RUNNING
    process.send_signal(signal.SIGINT)
    wait_until(lambda: api.state is JobState.ENDING, "it is cancelled")
    assert process.poll() is None
    api.print("cleaning up\n")
    api.end_cancelled()
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "cleaning up\n")
    assert "has cancelled it" in err
    assert "Traceback" not in err


def test_a_third_ctrl_c_leaves_the_job_alone(api: JobsApi, process: subprocess.Popen[str]) -> None:
    for words in ("goes on", "being cancelled", "shows what becomes of it"):
        process.send_signal(signal.SIGINT)
        read_until(process, words)
    assert process.wait(timeout=60) == 130
    assert api.state is JobState.ENDING


def test_a_command_that_ends_before_the_cancel_arrives_has_its_own_status(
    api: JobsApi, process: subprocess.Popen[str]
) -> None:
    process.send_signal(signal.SIGINT)
    read_until(process, "goes on")
    api.succeed()
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 0


def test_a_client_that_is_killed_leaves_the_job_running(
    api: JobsApi, process: subprocess.Popen[str]
) -> None:
    process.kill()
    assert process.wait(timeout=60) == -signal.SIGKILL
    assert ("DELETE", f"/v1/apps/hello/jobs/{api.only}") not in api.requests
    assert api.state is JobState.RUNNING


def test_a_terminal_shows_what_it_waits_for_until_the_output_comes(
    api: JobsApi, environ: dict[str, str]
) -> None:
    def work() -> None:
        api.work("\x1b]0;title\x07one")

    printed = on_terminal(list(COMMAND), environ, {b"1st in the queue": work, b"one": api.succeed})
    assert printed.endswith("one\x1b[0m\r\n")
    assert "title" not in printed
