"""executor/builds/build_log.py: the reason in a failed build's output."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.builds.build_log import Progress, Step, buildkit_failure, failure, too_slow
from executor.errors import BuildFailed, DockerUnavailable, RepositoryUnreachable, StartFailed

FAILED_RUN = """\
#6 [3/5] RUN make all
#6 0.210 cc: not found
#6 ERROR: process "/bin/sh -c make all" did not complete successfully: exit code: 2
------
 > [3/5] RUN make all:
0.210 cc: not found
------
Dockerfile:3
--------------------
   2 |     COPY . /src
   3 | >>> RUN make all
--------------------
ERROR: failed to solve: process "/bin/sh -c make all" did not complete successfully: exit code: 2
"""
FAILED_STAGE = """\
------
 > [web 2/3] RUN exit 7:
------
ERROR: failed to solve: process "/bin/sh -c exit 7" did not complete successfully: exit code: 7
"""
FAILED_COPY = """\
------
 > [2/3] COPY nothing /x:
------
ERROR: failed to solve: failed to compute cache key: "/nothing": not found
"""
PARSE_ERROR = """\
Dockerfile:1
--------------------
   1 | >>> FORM scratch
--------------------
ERROR: failed to solve: dockerfile parse error on line 1: unknown instruction: FORM
"""
NO_DAEMON = "ERROR: Cannot connect to the Docker daemon at unix:///x. Is the daemon running?\n"


@pytest.mark.parametrize(
    ("output", "code", "message"),
    [
        (FAILED_RUN, 2, r"^Step 3/5 of the Dockerfile failed \(exit code 2\): RUN make all\. "),
        (FAILED_STAGE, 7, "Step 2/3"),
        (
            FAILED_RUN.replace("exit code: 2", "exit code: 137"),
            137,
            r"\(exit code 137: killed, as the kernel does when memory runs out\): RUN",
        ),
        (FAILED_COPY, None, r'Step 2/3 .*"/nothing": not found'),
        (PARSE_ERROR, None, "^(?!.*Step).*unknown instruction: FORM"),
        ("", None, "without a message"),
    ],
    ids=["a command", "a step of a named stage", "killed", "no command", "no step", "no message"],
)
def test_a_failure_has_its_step_and_its_exit_code(
    output: str, code: int | None, message: str
) -> None:
    error = buildkit_failure(output)
    assert isinstance(error, BuildFailed)
    assert error.exit_code == code
    assert re.search(message, str(error))


def test_a_daemon_that_is_away_is_not_a_failure_of_the_build() -> None:
    assert isinstance(buildkit_failure(NO_DAEMON), DockerUnavailable)


def test_text_of_a_dockerfile_is_cut_and_made_printable() -> None:
    assert len(str(failure(Step("1/1", "RUN " + "x" * 500), "", 1))) < 250
    assert len(str(failure(None, "x" * 5000, None))) < 500
    hostile = "RUN \x1b[31mecho\x1b]0;title\x07 \u202egnp.exe\r\u200b\tthe\x85 end"
    message = [str(Step("1/1", hostile)), str(failure(Step("1/1", hostile), "", 1))]
    message += [str(failure(None, hostile, None))]
    assert all(text.isprintable() for text in message)
    assert message[0] == "1/1 RUN [31mecho ]0;title gnp.exe the end"


BEGUN = b"""\
#0 building with "default" instance using docker driver

#1 [internal] load build definition from Dockerfile
#1 transferring dockerfile: 122B done
#1 DONE 0.0s

#5 [1/3] COPY busybox /bin/busybox
#5 CACHED

#6 [web 2/3] RUN make  all
#6 0.210 cc
"""


def read_steps(output: bytes, length: int = 1) -> list[str]:
    """Return the steps that are found in an output that comes in pieces."""
    progress = Progress(str)
    pieces = (output[at : at + length] for at in range(0, len(output), length))
    return [str(step) for piece in pieces if (step := progress.read(piece)[1])]


def test_the_step_that_a_build_is_at_is_found_however_the_output_is_cut() -> None:
    assert read_steps(BEGUN, len(BEGUN)) == ["2/3 RUN make all"], "the last one that it turned to"
    assert read_steps(BEGUN) == ["1/3 COPY busybox /bin/busybox", "2/3 RUN make all"]


def test_the_output_of_a_step_is_never_mistaken_for_a_step() -> None:
    output = b"#6 [2/3] RUN x\n#6 0.210 #7 [3/3] RUN fake\n#6 0.211 \r#7 [3/3] RUN fake\n#6 0.3\n"
    assert read_steps(output) == ["2/3 RUN x"]
    assert read_steps(output + b"\n#7 [3/3] RUN true\n")[1:] == ["3/3 RUN true"]


def test_an_endless_name_keeps_no_memory() -> None:
    progress = Progress(str)
    assert progress.read(b"#7 [3/3] RUN ") == (b"", None)
    for _ in range(100):
        assert progress.read(b"x" * 65536) == (b"", None)
    shown, step = progress.read(b"\n")
    assert step is not None
    assert len(step.instruction) <= 4096
    assert len(shown) <= 65537


RENAMED = b"""\
#0 building with "default" instance using docker driver

#1 [1/6] FROM docker.io/library/x:1
#1 sha256:00 1MB / 2MB
#1 ...

#2 [2/6] RUN theirs
#2 0.1 [2/6] RUN theirs
#2 ERROR: failed
------
 > [2/6] RUN theirs:
0.1 [2/6] RUN theirs
------
Dockerfile:5
"""


@given(st.lists(st.integers(0, len(RENAMED)), max_size=20))
def test_names_of_steps_are_replaced_and_nothing_else_however_the_output_is_cut(
    cuts: list[int],
) -> None:
    progress = Progress(lambda name: "ours" if name.endswith("RUN theirs") else name)
    places = [0, *sorted(cuts), len(RENAMED)]
    shown = b"".join(progress.read(RENAMED[a:b])[0] for a, b in itertools.pairwise(places))
    expected = RENAMED.replace(b"#2 [2/6] RUN theirs", b"#2 ours")
    assert shown + progress.end() == expected.replace(b" > [2/6] RUN theirs", b" > ours")


def test_output_comes_at_once_and_a_name_that_is_cut_off_is_replaced() -> None:
    progress = Progress(lambda name: "ours")
    assert progress.read(b"#1 [1/2] RUN x")[0] == b""
    assert progress.read(b"\n#1 0.1 half a li")[0] == b"#1 ours\n#1 0.1 half a li"
    assert progress.read(b"ne")[0] == b"ne"
    assert progress.read(b"\n\n#2 [2/2] RUN thei")[0] == b"\n\n"
    assert progress.end() == b"#2 ours"


def test_an_endless_name_is_replaced_too() -> None:
    for begun in (b"#1 ", b"#1 [1/2] RUN true\n------\n > "):
        progress = Progress(lambda name: "ours")
        shown, _ = progress.read(begun + b"x" * 1_000_000 + b":\n")
        assert b"ours" in shown
        assert b"x" not in shown


def test_the_error_of_a_slow_build_names_the_limit() -> None:
    assert "1800 s" in str(too_slow(1800.0))


def test_a_sentence_that_ends_with_a_mark_gets_no_second_one() -> None:
    moved = str(RepositoryUnreachable("/srv/x", "is it a git repository?"))
    assert "a git repository? Check" in moved
    assert "it is away. Check" in str(RepositoryUnreachable("/srv/x", "it is away"))
    long = str(failure(Step("1/1", "RUN " + "x" * 200), "", 1))
    assert "…. " not in long
    assert "…. " not in str(failure(None, "no space " * 100, None))
    assert str(StartFailed("exec: not found?")).endswith("not found?")
    assert str(StartFailed("exec: not found")).endswith("not found.")
