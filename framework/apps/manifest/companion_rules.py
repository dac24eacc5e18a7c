"""The rules for values in the [companions.NAME] of a .prevs.toml, as in rules.py. Pure."""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from pydantic import ValidationInfo
from pydantic_core import PydanticCustomError

from framework.apps.manifest.rules import refuse
from prevs import names
from prevs.companions import APPLICATION

RESERVED = (APPLICATION, "localhost")
"""Names that lead elsewhere: to the application, and to the container itself."""

_IMAGE = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.:/@-]*", re.ASCII)
_IMAGE_ID = re.compile(r"(sha256:)?[0-9a-f]{6,64}", re.ASCII)
_DEFAULT_REGISTRY = re.compile(r"(?:(?:registry-1|index)\.)?docker\.io/", re.ASCII)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*", re.ASCII)
_HIGHEST_PORT = 65535


class Ready(NamedTuple):
    """When a companion is ready: a command exits with 0, or a port is open; with neither, soon."""

    command: tuple[str, ...] = ()
    port: int = 0


def check_companions(value: object) -> object:
    """Refuse what is not a table for each companion."""
    if not isinstance(value, dict):
        refuse(
            "must be a table for each companion: [companions.NAME] on a line of its own, its keys "
            "below it"
        )
    return value


def check_companion_name(value: str) -> str:
    """Refuse a text that cannot be the host name of a companion."""
    if value in RESERVED:
        refuse("is a name that leads elsewhere: choose another one")
    if not names.is_label(value):
        refuse(
            "is not a host name: use 1 to 63 characters of a-z, 0-9 and -, and no - at the "
            "beginning or the end"
        )
    return value


def check_image(value: str) -> str:
    """Refuse a text that is no name of an image, or that means an image by its agent's list.

    An image of another app or commit is in that list, and so is what a team pulled with its login.
    """
    if not _IMAGE.fullmatch(value):
        refuse('is not the name of an image: write it as after FROM, like "postgres:17"')
    if _IMAGE_ID.fullmatch(value):
        refuse('is the id of an image on one machine: write its name, like "postgres:17"')
    if _DEFAULT_REGISTRY.sub("", value).startswith("prevs/"):
        refuse("is an image of prevs's own; leave image out for the image of this commit")
    return value


def check_image_name(value: str) -> str:
    """Return why a text is no name of an image, as the rest of a sentence; "" if it is one."""
    try:
        check_image(value)
    except PydanticCustomError as error:
        return error.message()
    return ""


def check_build_key(value: str) -> str:
    """Refuse any key but the one in which a companion's build may differ from the application's."""
    if value != "target":
        refuse("is not known; there is target: all else is as in [build]")
    return value


def check_build(value: dict[str, str], info: ValidationInfo) -> dict[str, str]:
    """Refuse a build beside an image."""
    if value and info.data.get("image"):
        refuse("is only for a companion without image; leave one of them out")
    return value


def check_variable(value: str) -> str:
    """Refuse a text that is no name of a variable in a foreign image: some have dots."""
    if not _VARIABLE.fullmatch(value):
        refuse("is not a variable's name: use letters, digits, _, . and -, and no digit first")
    return value


def read_ready(value: object, read_words: Callable[[object], list[str]]) -> Ready:
    """Return when a companion is ready; refuse what is neither a command nor a port."""
    if isinstance(value, dict):
        return Ready(port=_read_port(value))
    if not isinstance(value, str | list):
        refuse('must be a list of words, like ["pg_isready"], or a port, like {example}', **_PORT)
    return Ready(tuple(read_words(value)))


def _read_port(value: dict[Any, Any]) -> int:
    port = value.get("port")
    if set(value) != {"port"} or type(port) is not int:
        refuse("must have a port and nothing else, like {example}", **_PORT)
    if not 1 <= port <= _HIGHEST_PORT:
        refuse("must be a port from 1 to {most}, not {given}", most=_HIGHEST_PORT, given=port)
    return port


_PORT = {"example": "{ port = 5432 }"}
