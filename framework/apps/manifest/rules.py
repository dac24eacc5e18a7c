"""The rules for values in a .prevs.toml, besides their types. Pure.

Each rule returns its value, or raises PydanticCustomError. Its message is the rest of a sentence
that begins with the key.
"""

import posixpath
import re
import shlex
from collections.abc import Sequence
from typing import NamedTuple, NoReturn, TypeVar, cast

from pydantic import ValidationInfo
from pydantic_core import PydanticCustomError

from prevs.commit_settings import HealthKind
from prevs.containers import Keep
from prevs.names import PORT, is_own_variable
from prevs.records import AppRecord

T = TypeVar("T")

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_STAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*", re.ASCII)
_HOST = re.compile(r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?", re.ASCII)
"""A host as a request names it: the header must not end after it."""

_KEEPS = [keep.value for keep in Keep]
_KINDS = [kind.value for kind in HealthKind if kind.value]
_SYSTEM = ("/proc", "/sys", "/dev")


class Bounds(NamedTuple):
    """The most that an app's commits may have. `folder` is the app's folder in the repository.

    `own_cpus`, `own_mem` and `port` are what a commit has that does not say.
    """

    app: str
    folder: str
    cpus: float
    mem: int
    own_cpus: float = AppRecord.cpus
    own_mem: int = AppRecord.mem
    port: int = AppRecord.port


def refuse(message: str, **values: object) -> NoReturn:
    """Refuse a value; `message` may name `values` in braces."""
    raise PydanticCustomError("rule", message, values)


def enumerate_texts(texts: Sequence[str]) -> str:
    """Return texts as alternatives: "a", "b" or "c"."""
    return ", ".join(f'"{text}"' for text in texts[:-1]) + f' or "{texts[-1]}"'


def split_words(value: object) -> object:
    """Return the words of a command line, split as by a shell; a list stays as it is."""
    if not isinstance(value, str):
        return value
    try:
        return shlex.split(value)
    except ValueError as error:
        refuse("cannot be split into words ({why}); write a list of words", why=str(error).lower())


def check_words(value: list[str]) -> list[str]:
    """Refuse a command whose program is an empty word."""
    if value and not value[0]:
        refuse("begins with an empty word; write the program's name first")
    return value


def make_list(value: object) -> object:
    """Return a single number as a list."""
    return [value] if type(value) is int else value


def check_text(value: str) -> str:
    """Refuse a text that no argument and no variable of a process can hold."""
    if "\0" in value:
        refuse("must not contain a NUL character")
    return value


def check_name(value: str) -> str:
    """Refuse a text that is no name of a variable."""
    if not _NAME.fullmatch(value):
        refuse("is not a variable's name: use letters, digits and _, and no digit first")
    return value


def check_own_name(value: str) -> str:
    """As `check_name`; also refuse the variables that prevs sets."""
    if is_own_variable(value):
        refuse("is set by prevs; choose another name{hint}", hint=_hint(value))
    return check_name(value)


def check_health(value: str) -> str:
    """Refuse a text that is no path of a URL."""
    if not (value.startswith("/") and value.isascii() and value.isprintable() and " " not in value):
        refuse("must begin with / and contain no spaces or control characters")
    return value


def check_host(value: str) -> str:
    """Refuse a text that is no host name, with or without a port."""
    if not _HOST.fullmatch(value):
        refuse("must be a host name, with a port or without: shop.example, localhost:8000")
    return value


def check_kind(value: str) -> str:
    """Refuse a text that is no kind of health check."""
    if value not in _KINDS:
        refuse("must be {kinds}, not {given}", kinds=enumerate_texts(_KINDS), given=value[:60])
    return value


def check_keep(value: str) -> str:
    """Refuse a text that does not say whose volumes are."""
    if value not in _KEEPS:
        refuse("must be {keeps}, not {given}", keeps=enumerate_texts(_KEEPS), given=value[:60])
    return value


def check_seed(value: str) -> str:
    """Refuse a text that names no branch, as branch:main does."""
    if not re.fullmatch(r"branch:[^\x00-\x20\x7f]+", value):
        refuse("must name a branch, as branch:main, not {given}", given=value[:60])
    return value


def check_http_only(value: T, info: ValidationInfo) -> T:
    """Refuse a key that is for HTTP checks alone if the check is of another kind."""
    kind = info.data.get("kind")
    if kind in {HealthKind.GRPC.value, HealthKind.TCP.value}:
        refuse('is only for kind = "http"; leave it out, or change kind = "{kind}"', kind=kind)
    return value


def check_stage(value: str) -> str:
    """Refuse a text that is no name of a Dockerfile's stage."""
    if not _STAGE.fullmatch(value):
        refuse("is not a stage's name: use letters, digits, _, . and -")
    return value


def list_paths(value: object, info: ValidationInfo) -> object:
    """Return a single path as a list; refuse one that leaves the repository."""
    return [check_path(value, info)] if isinstance(value, str) else value


def check_path(value: str, info: ValidationInfo) -> str:
    """Refuse a path that leaves the repository; return it normalized."""
    bounds = _bounds(info)
    if not value or not value.isprintable():
        refuse("must be a path without control characters")
    if value.startswith("/"):
        refuse("must be relative to the app's folder, without a / at the beginning")
    whole = posixpath.normpath(posixpath.join(bounds.folder, value))
    if whole == ".." or whole.startswith("../"):
        refuse("leaves the repository: name a path inside it")
    return posixpath.normpath(value)


def check_watch(value: str) -> str:
    """Refuse what is no pattern of paths of the repository; return it normalized."""
    if not value.strip() or not value.isprintable() or "\\" in value:
        refuse("must be a path or a pattern like services/web/**")
    if value[0] in "!:":
        refuse("must be what is watched: a push that changes nothing of it changes nothing")
    path = posixpath.normpath(value)
    if value.startswith("/") or path.split("/")[0] == "..":
        refuse("must begin at the root of the repository, without a / or .. at the beginning")
    return path


def check_volume(value: str) -> str:
    """Refuse a path that cannot be a volume; return it normalized."""
    path = re.sub("^/+", "/", posixpath.normpath(value))
    if not value.startswith("/") or not value.isprintable():
        refuse("must be an absolute path in the container, like /data")
    if path == "/" or any(path == one or path.startswith(f"{one}/") for one in _SYSTEM):
        refuse(
            "cannot be a volume: / and everything below /proc, /sys and /dev belong to the system"
        )
    return path


def check_volumes(value: list[str]) -> list[str]:
    """Refuse a list that names a volume twice."""
    for path in value:
        if value.count(path) > 1:
            refuse("names {path} twice", path=path)
    return value


def check_compose_service(value: str, info: ValidationInfo) -> str:
    """Refuse the name of a service without a compose file."""
    if "compose" in info.data and info.data["compose"] is None:
        refuse("is only for a file with compose; leave it out, or set compose")
    return value


def check_cpus(value: float, info: ValidationInfo) -> float:
    """Refuse more CPUs than the app allows."""
    bounds = _bounds(info)
    if value > bounds.cpus:
        refuse(
            "asks for {cpus} CPUs; this app's commits may have at most {most}: ask an admin to "
            "raise its max_cpus (prevs app set {app} --max-cpus {cpus})",
            cpus=f"{value:g}",
            most=f"{bounds.cpus:g}",
            app=bounds.app,
        )
    return value


def check_mem(value: int, info: ValidationInfo) -> int:
    """Refuse more memory than the app allows."""
    bounds = _bounds(info)
    if value > bounds.mem:
        refuse(
            "asks for {mem} MB; this app's commits may have at most {most}: ask an admin to raise "
            "its max_mem (prevs app set {app} --max-mem {mem})",
            mem=value,
            most=bounds.mem,
            app=bounds.app,
        )
    return value


def _bounds(info: ValidationInfo) -> Bounds:
    return cast(Bounds, info.context)


def _hint(name: str) -> str:
    return "; set the port with the key port, outside [environment]" if name == PORT else ""
