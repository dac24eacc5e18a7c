"""Commands, options, variables and paths in the documentation exist."""

import re
import shlex
from pathlib import Path

import click
import pytest

from cli.__main__ import prevs
from docs.generated.http_api import describe
from executor.config import VARIABLES
from framework.settings import Settings as FrameworkSettings
from program.settings.environment import PREFIX
from proxy.settings import Settings as ProxySettings

ROOT = Path(__file__).parents[3]
PAGES = [
    ROOT / "README.md",
    *(page for page in sorted((ROOT / "docs").rglob("*.md")) if page.parent.name != "decisions"),
]
TEXT = "\n".join(page.read_text() for page in PAGES)
_OF_CONTAINERS = "URL_RESULT APP COMMIT LABEL STACK URL"
_OF_JOBS = "JOB TRY PAYLOAD_FILE RESULT_FILE PROGRESS_FILE"
ELSEWHERE = frozenset(f"PREVS_{name}" for name in f"API TOKEN {_OF_CONTAINERS} {_OF_JOBS}".split())
"""What the command line reads, and what a container is told."""


def find_problem(line: str) -> str | None:
    """Return the problem of a command line, or None."""
    command: click.Command = prevs
    words = shlex.split(line, comments=True)[1:]
    context = click.Context(prevs)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(context, words.pop(0))
        if found is None:
            return f"{line}: there is no such command"
        command = found
    known = {opt for param in command.params for opt in (*param.opts, *param.secondary_opts)}
    known |= {"-h", "--help"}
    strange = [word for word in words if re.match(r"--?[a-z]", word) and word not in known]
    return f"{line}: there is no {strange[0]}" if strange else None


def test_every_documented_command_exists() -> None:
    blocks = re.findall(r"^ {4,}(?:\.venv/bin/)?(prevs [a-z][^|>\n]*)", TEXT, re.M)
    spans = re.findall(r"`(?:\.venv/bin/)?(prevs [a-z][^`]*)`", TEXT)
    lines = [re.split(r"\s{2,}#", line)[0].strip() for line in (*blocks, *spans)]
    assert len(lines) > 30
    assert [problem for line in lines if (problem := find_problem(line))] == []


def test_every_documented_variable_is_read() -> None:
    fields = {*FrameworkSettings.model_fields, *ProxySettings.model_fields}
    known = {PREFIX + name.upper() for name in fields} | {variable.name for variable in VARIABLES}
    named = set(re.findall(r"\bPREVS_[A-Z_]+\b", TEXT))
    assert len(named) > 20
    assert sorted(named - known - ELSEWHERE) == []


def test_every_documented_call_of_the_api_exists() -> None:
    calls = {(m.upper(), path) for path, ms in describe()["paths"].items() for m in ms}
    plain = {(method, re.sub(r"\{[^}]*\}", "{}", path)) for method, path in calls}
    named = re.findall(r"`(GET|POST|PUT|PATCH|DELETE) (/v1/[^`? ]*)[^`]*`", TEXT)
    documented = {(method, re.sub(r"\{[^}]*\}", "{}", path)) for method, path in named}
    assert documented
    assert sorted(documented - plain) == []


@pytest.mark.parametrize(
    ("line", "strange"),
    [
        ("prevs strat shop main", "no such command"),
        ("prevs app ad shop", "no such command"),
        ("prevs start shop main --wiat", "no --wiat"),
        ("prevs app set APP --constraint …", None),
        ("prevs logs shop main -f", None),
    ],
)
def test_an_unknown_command_is_found(line: str, strange: str | None) -> None:
    found = find_problem(line)
    assert found is None if strange is None else strange in (found or "")
