"""What the command line says, as functions of values."""

import math
import re
from collections.abc import Iterable

from cli.answers import Preview
from cli.errors import PreviewFailed
from prevs import names

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# Terminals obey what they print: a log or a commit's subject comes from code that nobody vetted.
_COMMANDS = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # titles, clipboard, links
    r"|\x1b\[[0-?]*[ -/]*[@-~]"  # cursor, screen, modes
    r"|\x1b[ -/]*[0-~]"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"
)
_UNFINISHED = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]{0,4096}\x1b?|[ -/]*)?\Z")

_PHASES = {
    "fetching": "fetches the commit",
    "building": "builds the image",
    "starting": "starts the container",
    "checking": "waits for the app to answer",
}
_STATES = {
    "placed": "has an agent",
    "building": "builds",
    "starting": "starts",
    "draining": "is being stopped",
    "stopped": "is stopped",
}
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


class Cleaner:
    """Leaves text, line ends and colours of a stream, and none of the other terminal commands."""

    def __init__(self) -> None:
        self._held = ""

    def clean(self, piece: str) -> str:
        """Return what of `piece` may be printed; a command that is cut off waits for its rest."""
        text = self._held + piece
        cut = _UNFINISHED.search(text)
        self._held = cut.group() if cut else ""
        text = text[: cut.start()] if cut else text
        return _COMMANDS.sub(lambda m: m[0] if _COLOUR.fullmatch(m[0]) else "", text)


def one_line(text: str) -> str:
    """Return `text` on one line and without any terminal command."""
    return " ".join(_COMMANDS.sub("", text).split())


def title(preview: Preview) -> str:
    """Return a preview's name for people: hello@main (5c80e7d)."""
    labels = preview["labels"] or [names.short(preview["sha"])]
    return names.task_name(preview["app"], labels[-1], preview["sha"])


def progress(preview: Preview, now: float) -> str:
    """Return what a preview does at `now`, as the end of a sentence that its title begins."""
    state = preview["state"]
    if state == "running":
        return f"runs at {preview['url']}"
    if state == "failed":
        return failure(preview)
    if state == "queued":
        return _waiting(preview, now)
    doing = _PHASES.get(preview["phase"], "") if state in {"building", "starting"} else ""
    return doing or _STATES.get(state, f"is {state}")


def _waiting(preview: Preview, now: float) -> str:
    """Return where a preview waits, why, and until when: "is 2nd in the queue: ..."."""
    place, reason = preview["queue_place"], one_line(preview["reason"]).removesuffix(".")
    said = "waits for an agent" if place is None else f"is {ordinal(place)} in the queue"
    said = f"{said}: {reason}" if reason else said
    if (moment := preview["next_try"]) is None:
        return said
    return f"{said}; the next try is in {duration(max(1, math.ceil(moment - now)))}"


def notes(preview: Preview) -> str:
    """Return what a list says of a preview beside its state: its place, its reason, its pin."""
    place = preview["queue_place"]
    standing = "" if place is None else f"{ordinal(place)} in the queue"
    reason = failure(preview).removeprefix("failed: ") if preview["failure"] else preview["reason"]
    told = ": ".join(part for part in (standing, one_line(reason)) if part)
    return "; ".join(part for part in ("pinned" if preview["pinned"] else "", told) if part)


def failure(preview: Preview) -> str:
    """Return why a preview failed: "failed: the image could not be built (exit code 7)"."""
    found = preview["failure"]
    if found is None:
        return "failed"
    message = one_line(found["message"]) or found["cause"]
    code = found["exit_code"]
    known = code is None or f"code {code}" in message
    return f"failed: {message}" if known else f"failed: {message} (exit code {code})"


def failed(preview: Preview, asked: str, now: float) -> PreviewFailed:
    """Return the error for a preview that was asked for as `asked`, and does not run."""
    app = preview["app"]
    said = f"{title(preview)} {progress(preview, now)}"
    if preview["state"] != "failed":
        return PreviewFailed(said, f"`prevs start {app} {asked}` starts it again.")
    hint = (
        f"`prevs logs {app} {asked}` prints the whole log, `prevs retry {app} {asked}` tries again."
    )
    return PreviewFailed(said, hint, preview.get("log_tail", ""))


def ordinal(number: int) -> str:
    """Return "1st", "2nd", "3rd", "4th", "11th" or "21st"."""
    teen = number % 100 in {11, 12, 13}
    ending = "th" if teen else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def duration(seconds: int) -> str:
    """Return a time in all its units: "1 h 30 min"; none is "0 s"."""
    parts = []
    for size, unit in _UNITS:
        number, seconds = divmod(seconds, size)
        parts += [f"{number} {unit}"] if number else []
    return " ".join(parts) or "0 s"


def ago(moment: float | None, now: float) -> str:
    """Return how long before `now` a moment was, in its largest unit: "3 min ago"."""
    if moment is None:
        return "never"
    seconds = max(0, int(now - moment))
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return "0 s ago"


def counted(things: Iterable[object], one: str, many: str) -> str:
    """Return "1 preview" or "3 previews"."""
    number = len(list(things))
    return f"{number} {one if number == 1 else many}"
