"""Files of NAME=value lines in a commit: the .env beside a compose file, and those of env_file."""

import contextlib
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from framework.apps.compose.interpolation import WrongForm, fill

OpenFile = Callable[[str], str | None]
"""Returns the text of a file of the commit, from the app's folder on; None if there is none."""
ENV = ".env"
_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*=\s*(.*)", re.ASCII)
_EXAMPLES = ("example", "sample", "dist", "template")
_MOST_VALUE = 8192


class EnvFile(NamedTuple):
    """The text of such a file, and its path from the app's folder on."""

    path: str
    text: str


def open_env(path: str, open_file: OpenFile) -> EnvFile | None:
    """Return a file, or the example of it that is committed in its place; None without both.

    Most repositories have an example alone, as each machine has a file of its own.
    """
    for name in (path, *_list_examples(path)):
        if (text := open_file(name)) is not None:
            return EnvFile(name, text)
    return None


def read_env(text: str, values: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a file, in which those of `values` may stand.

    What is no such line is left out.
    """
    found: dict[str, str] = {}
    for line in text.removeprefix("\ufeff").splitlines():
        match = _LINE.fullmatch(line.strip())
        if match is None:
            continue
        value = match[2].strip()
        quote = value[:1]
        if quote in {"'", '"'} and (end := value.find(quote, 1)) > 0:
            value = value[1:end]
        else:
            quote, value = "", re.split(r"(?:^|\s)#", value)[0].strip()
        if quote != "'":
            with contextlib.suppress(WrongForm):
                value = fill(value, {**values, **found}).text
        # A value that is made of the one before it twice, and so on, would take all memory.
        found[match[1]] = value if len(value) <= _MOST_VALUE else ""
    return found


def _list_examples(path: str) -> Iterator[str]:
    for word in _EXAMPLES:
        yield f"{path}.{word}"
    folder, name = posixpath.split(path)
    if name == ENV:
        yield posixpath.join(folder, "example.env")
