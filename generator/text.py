"""What the written modules have in common: their head, docstrings, and the form of ruff."""

import re
import subprocess
import sys
import textwrap

HEAD = "Made by `make generate`: do not edit."

_WIDTH = 100
_SCOPE = re.compile(r"\s*Needs the scope `\w+`[^.]*\.")


def docstring(said: str, indent: int = 4) -> str:
    """Return a docstring of the first paragraph of a description."""
    first = " ".join(_SCOPE.sub("", said.partition("\n\n")[0]).split())
    room = _WIDTH - indent - 6
    if len(first) <= room:
        return f'"""{first}"""'
    pad = " " * indent
    lines = textwrap.wrap(first, room)
    return "\n".join([f'"""{lines[0]}', *(f"{pad}{line}" for line in lines[1:]), f'{pad}"""'])


def form(name: str, source: str) -> str:
    """Return a module or stub as `make format` would leave it. Blocks while ruff runs."""
    for command in (
        ["check", "--quiet", "--fix", "--select", "I,F401", "--stdin-filename", name, "-"],
        ["format", "--quiet", "--stdin-filename", name, "-"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command],
            input=source,
            capture_output=True,
            text=True,
            check=True,
        )
        source = done.stdout
    return source
