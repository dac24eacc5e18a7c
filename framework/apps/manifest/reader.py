"""From the bytes of a .prevs.toml, and of a compose file that it names, to a Manifest.

Or to all mistakes in them.
"""

import dataclasses
import re
import tomllib
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from framework.apps import compose
from framework.apps.compose import Beside, Compose, file_text
from framework.apps.manifest.companion_problems import find_problems
from framework.apps.manifest.companion_rules import check_image_name
from framework.apps.manifest.findings import Findings, InvalidManifest
from framework.apps.manifest.keys import ComposeFiles, Top
from framework.apps.manifest.lines import TooDeep, find_lines
from framework.apps.manifest.rules import Bounds
from framework.apps.manifest.wording import explain, spell
from prevs.commit_settings import CommitSettings
from prevs.companions import Companion
from prevs.job_settings import JobSettings
from prevs.records import Mistake

_COMPOSE: TypeAdapter[list[str]] = TypeAdapter(ComposeFiles, config={"strict": True})
_AT = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


@dataclasses.dataclass(frozen=True)
class Manifest:
    """What a commit says: the settings of its preview, and its jobs by name."""

    settings: CommitSettings = dataclasses.field(default_factory=CommitSettings)
    jobs: Mapping[str, JobSettings] = dataclasses.field(default_factory=dict)
    has_application: bool = True
    """Whether the files say what the application is; else its compose file has databases alone."""
    notes: tuple[Mistake, ...] = ()
    """What its compose file says that has no effect, or another one than people may think."""


class ComposeFile(NamedTuple):
    """The compose file of a commit: its path from the app's folder on, and its bytes.

    `problem` is why there is none, as the rest of a sentence that begins with its path. `over` are
    its overrides; `given` the names of the app's variables, None if they are not known. `open`
    returns the text of another file of the commit, None if there is none; `kind` what is at a path,
    "" for nothing.
    """

    path: str
    data: bytes = b""
    problem: str = ""
    open: Callable[[str], str | None] = lambda _: None
    kind: Callable[[str], str] = lambda _: "file"
    over: tuple["ComposeFile", ...] = ()
    service: str = ""
    """The service that visitors reach, if the .prevs.toml names none; "" for none."""
    given: Collection[str] | None = frozenset()


class Named(NamedTuple):
    """Which files a .prevs.toml names: compose files, and whether a Dockerfile."""

    compose: tuple[str, ...] = ()
    dockerfile: bool = False


def find_named(data: bytes, bounds: Bounds) -> Named:
    """Return which files a .prevs.toml names that could be read, from the app's folder on.

    Raises InvalidManifest if it is not TOML.
    """
    parsed = _parse(_decode(data))[1]
    build = parsed.get("build")
    dockerfile = isinstance(build, dict) and "dockerfile" in build
    try:
        compose = _COMPOSE.validate_python(parsed.get("compose"), context=bounds)
    except ValidationError:
        return Named(dockerfile=dockerfile)
    return Named(tuple(compose), dockerfile)


def read(data: bytes, bounds: Bounds, file: ComposeFile | None = None) -> Manifest:
    """Return what is in a .prevs.toml, and in the compose `file` of its commit.

    Raises InvalidManifest.
    """
    lines, parsed = _parse(_decode(data))
    composed = _read_compose(file, parsed, bounds)
    whole = _merge(composed.table, parsed)
    if file:
        whole.setdefault("compose", file.path)
    found = Findings(lines, composed.places, file.path if file else "")
    try:
        top = Top.model_validate(whole, context=bounds)
    except ValidationError as error:
        for problem in error.errors(include_url=False):
            path = found.find_key(problem["loc"])
            found.add(path, explain(problem, path))
    for one in _list_wrong(file):
        found.add(("compose",), f"compose names {one.path}, which {one.problem}")
    if composed.wrong_service and "compose_service" in parsed:
        found.add(("compose_service",), f"compose_service {composed.wrong_service}")
    elif composed.wrong_service and file:
        found.note([Mistake(1, f"the app's service {file.service} {composed.wrong_service}")])
    found.note(composed.mistakes)
    if composed.image and (why := check_image_name(composed.image)):
        found.note([Mistake(composed.image_at.line, f"{composed.image_at.name} {why}")])
    if not (composed.mistakes or composed.wrong_service or _list_wrong(file)):
        for path, why in find_problems(whole, bounds, apart=composed.is_read):
            found.add(path, f"{spell(path)} {why}")
    found.check()
    settings = _complete(top.settings(), composed, parsed)
    has_application = not composed.is_read or bool(composed.service)
    return Manifest(settings, top.job_settings(), has_application, composed.notes)


def _read_compose(file: ComposeFile | None, parsed: Mapping[str, Any], bounds: Bounds) -> Compose:
    if file is None or _list_wrong(file):
        return Compose()
    wanted = parsed.get("compose_service", file.service)
    around = compose.Around(bounds.folder, file.open, file.kind, file.given)
    over = [compose.Text(one.path, one.data) for one in file.over]
    main = compose.Text(file.path, file.data)
    return compose.read(main, wanted if isinstance(wanted, str) else "", around, over)


def _list_wrong(file: ComposeFile | None) -> list[ComposeFile]:
    """Return a compose file and its overrides, as far as they cannot be read."""
    return [one for one in (file, *file.over) if one.problem] if file else []


def _complete(
    settings: CommitSettings, composed: Compose, parsed: Mapping[str, Any]
) -> CommitSettings:
    """Return settings with what a compose file says and a .prevs.toml has no words for."""
    if not composed.is_read:
        return settings
    companions = [_complete_one(one, composed) for one in settings.run.companions]
    own = composed.beside.get("", Beside())
    run = dataclasses.replace(
        settings.run,
        environment={**own.environment, **settings.run.environment},
        companions=tuple(companions),
        image=composed.image if settings.build == CommitSettings().build else "",
        service=composed.service,
        apart=True,
        container=own.container,
        fillings=tuple(one for path, one in composed.fillings if not _has(parsed, path)),
    )
    return dataclasses.replace(settings, run=run)


def _has(parsed: Mapping[str, Any], path: Sequence[str]) -> bool:
    """Return whether a parsed .prevs.toml has a value at a path of keys."""
    found: Any = parsed
    for key in path:
        if not isinstance(found, Mapping) or key not in found:
            return False
        found = found[key]
    return True


def _complete_one(one: Companion, composed: Compose) -> Companion:
    found = composed.beside.get(one.name)
    if found is None:
        return one
    has_check = bool(one.ready)
    return dataclasses.replace(
        one,
        build=None if one.image else found.build,
        once=found.once,
        ready_every=found.ready_every if has_check else 0.0,
        ready_limit=found.ready_limit if has_check else 0.0,
        port=one.port or found.port,
        container=found.container,
    )


def _merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return two parsed documents as one; a value of `over` wins over that of the same key."""
    return {
        **under,
        **{
            key: _merge(under[key], value)
            if isinstance(value, dict) and isinstance(under.get(key), dict)
            else value
            for key, value in over.items()
        },
    }


def _decode(data: bytes) -> str:
    text = file_text.decode(data)
    if isinstance(text, Mistake):
        raise InvalidManifest([text])
    return text


def _parse(text: str) -> tuple[Mapping[tuple[str | int, ...], int], dict[str, Any]]:
    try:
        # First, because tomllib would use up all memory for a document that is nested too deeply.
        lines = find_lines(text)
        return lines, tomllib.loads(text)
    except TooDeep as deep:
        wrong = Mistake(deep.line, "is nested too deeply; no setting needs that")
    except tomllib.TOMLDecodeError as error:
        wrong = _read_syntax(str(error), text)
    except ValueError:
        wrong = Mistake(1, "the file has a number with thousands of digits")
    raise InvalidManifest([wrong]) from None


def _read_syntax(message: str, text: str) -> Mistake:
    at = _AT.search(message)
    line = int(at[1]) if at and at[1] else text.rstrip().count("\n") + 1
    what = _AT.sub("", message)
    return Mistake(line, f"is not TOML: {what[:1].lower()}{what[1:]}")
