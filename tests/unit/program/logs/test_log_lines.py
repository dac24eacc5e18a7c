import json
import logging
import subprocess
import sys

import pytest

from executor.log_format import LogFormat
from program.logs import log_lines

TASK = f"hello.{'a' * 40}.t1"
HOSTILE = 'main" level=critical\n2026 \x1b[31m\u202e\u2028\\ ö'


def test_a_line_quotes_only_values_that_need_it() -> None:
    fields = {"event": "a b", "why": 'say "no"\\', "n": 3, "on": True, "task": None, "empty": ""}
    assert log_lines.logfmt(fields) == 'event="a b" why="say \\"no\\"\\\\" n=3 on=true task= empty='


def test_text_of_strangers_stays_in_its_value_and_in_its_line() -> None:
    line = log_lines.logfmt({"label": HOSTILE, "app": "hello"})
    assert line.isprintable()
    assert line == ('label="main\\" level=critical\\n2026 \\x1b[31m\\u202e\\u2028\\\\ ö" app=hello')
    line = log_lines.as_json({"label": HOSTILE})
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line) == {"label": HOSTILE}


def test_an_attempt_is_named_by_its_task() -> None:
    assert log_lines.name_attempt(TASK) == {"app": "hello", "commit": "a" * 12, "task": TASK}
    assert log_lines.name_attempt("somebody-elses") == {"task": "somebody-elses"}
    assert log_lines.name_attempt("") == {}


PROGRAM = """
import logging, sys
import structlog
from program.logs import log_output

log_output.configure()
log_output.configure(sys.argv[1])
with structlog.contextvars.bound_contextvars(request="r-1"):
    structlog.get_logger("ours").warning("it is away", app="hello")
    logging.getLogger("theirs").warning("line\\nbreak")
try:
    int("no")
except ValueError:
    structlog.get_logger("ours").exception("a defect")
"""


@pytest.mark.parametrize("form", log_lines.FORMS)
def test_lines_of_ours_and_of_libraries_have_the_same_fields(form: str) -> None:
    command = [sys.executable, "-c", PROGRAM, form]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = done.stderr.splitlines()
    assert len(lines) == 3
    if form == "json":
        ours, theirs, defect = map(json.loads, lines)
        assert list(ours)[:3] == ["timestamp", "level", "event"]
        assert (ours["app"], ours["request"], theirs["request"]) == ("hello", "r-1", "r-1")
        assert theirs["event"] == "line\nbreak"
        assert "ValueError: invalid" in defect["exception"]
    else:
        assert 'level=warning event="it is away" app=hello request=r-1' in lines[0]
        assert 'event="line\\nbreak"' in lines[1]
        assert "ValueError: invalid" in lines[2]


def test_each_line_of_an_executor_names_its_attempt() -> None:
    record = logging.LogRecord("executor", logging.ERROR, "", 0, "it is %s", ("lost",), None)
    line = LogFormat(log_lines.name_attempt(TASK), "logfmt").format(record)
    timestamp, rest = line.split(" ", 1)
    assert timestamp.endswith("Z")
    assert rest == (
        f'level=error event="it is lost" logger=executor app=hello commit={"a" * 12} task={TASK}'
    )
