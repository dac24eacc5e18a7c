"""Texts of a compose file in which the app's variables stand once a container starts. Pure.

Only what a commit gets anyhow is filled in: a stranger's commit gets none of it.
"""

import contextlib
import dataclasses
import re
import shlex
from collections import ChainMap
from collections.abc import Mapping, Sequence
from typing import TypeVar

from framework.apps.compose.interpolation import WrongForm, fill
from framework.apps.compose.yaml_tree import Node
from prevs.commit_settings import Filling, FillingPart, RunSettings
from prevs.companions import Companion

One = TypeVar("One", RunSettings, Companion)
_NAME = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)", re.ASCII)
_MOST = 262_144
"""How many characters all filled texts of a commit may have."""


def find_filling(node: Node, text: str, part: FillingPart, key: str = "") -> Filling | None:
    """Return a text of a node with what the commit has for its variables; None without any."""
    names = dict.fromkeys(_NAME.findall(text.replace("$$", "")))
    if not names:
        return None
    values = {name: node.origin.values[name] for name in names if name in node.origin.values}
    return Filling(part=part, key=key, text=text, values=values)


def fill_in(run: RunSettings, given: Mapping[str, str]) -> RunSettings:
    """Return settings with the variables that their commit is given."""
    found: dict[str, list[tuple[Filling, str]]] = {}
    left = _MOST
    for one in run.fillings:
        with contextlib.suppress(WrongForm):
            text = fill(one.text, ChainMap(dict(given), dict(one.values))).text
            left -= len(text)
            if left >= 0:
                found.setdefault(one.container, []).append((one, text))
    whole = _fill(run, found.get("", ()))
    companions = tuple(_fill(one, found.get(one.name, ())) for one in run.companions)
    return dataclasses.replace(whole, companions=companions)


def _fill(one: One, texts: Sequence[tuple[Filling, str]]) -> One:
    for filling, text in texts:
        one = _put(one, filling, text)
    return one


def _put(one: One, filling: Filling, text: str) -> One:
    match filling.part:
        case FillingPart.ENVIRONMENT:
            return dataclasses.replace(one, environment={**one.environment, filling.key: text})
        case FillingPart.COMMAND:
            words = _put_word(one.command, filling.key, text)
            return dataclasses.replace(one, command=words)
        case FillingPart.ENTRYPOINT:
            words = _put_word(one.container.entrypoint or (), filling.key, text)
            own = dataclasses.replace(one.container, entrypoint=words)
            return dataclasses.replace(one, container=own)
        case FillingPart.READY:
            if isinstance(one, RunSettings):
                return one
            return dataclasses.replace(one, ready=_put_word(one.ready, filling.key, text))


def _put_word(words: tuple[str, ...], key: str, text: str) -> tuple[str, ...]:
    if not key:
        try:
            return tuple(shlex.split(text))
        except ValueError:
            return words
    at = int(key)
    return (*words[:at], text, *words[at + 1 :]) if at < len(words) else words
