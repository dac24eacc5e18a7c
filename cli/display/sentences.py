"""The sentences of the command line, as functions of values."""

import datetime
import math
from collections.abc import Iterable, Sequence

from cli.client.generated.records import Failure, Hooks, Isolation, MesosAgent, Preview
from cli.client.instances import find_commit
from cli.display.terminal import one_line
from cli.errors import PreviewFailed
from prevs import names

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
_LONGEST_DETAIL = 60
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def describe_too_large(cpus: float, mem: float, agents: Sequence[MesosAgent]) -> str:
    """Return a warning if no agent has these CPUs and MB in all; "" if one has, or there are none.

    It is the same for previews, jobs and schedules.
    """
    totals = [agent["total"] for agent in agents]
    if not totals or any(cpus <= one["cpus"] and mem <= one["mem"] for one in totals):
        return ""
    most_cpus, most_mem = (max(one[key] for one in totals) for key in ("cpus", "mem"))
    wanted = [f"{mem:g} MB"] if mem > most_mem else []
    wanted += [f"{cpus:g} CPUs"] if cpus > most_cpus else []
    what = " and ".join(wanted or [f"{cpus:g} CPUs with {mem:g} MB"])
    return (
        f"Warning: no agent has {what}; the largest have {most_mem:g} MB, and {most_cpus:g} CPUs. "
        "What takes so much waits until there is a larger one. `prevs agents` lists them."
    )


def title(preview: Preview) -> str:
    """Return a preview's name for people: hello@main (5c80e7d)."""
    commit = find_commit(preview)
    labels = preview["labels"] or [names.short(commit)]
    return names.task_name(preview["app"], labels[-1], commit)


def describe_rivals(preview: Preview) -> str:
    """Return how another commit affects a preview's address, "" if none does."""
    rivals = preview.get("rivals", [])
    running = [one for one in rivals if one["state"] == "running"]
    if preview["state"] != "running" and running:
        serving = names.short(find_commit(running[-1]))
        if preview["state"] in {"failed", "stopped"}:
            return f"its address still serves {serving}"
        return f"its address serves {serving} until this one runs"
    if preview["state"] == "running" and len(running) < len(rivals):
        one = [one for one in rivals if one["state"] != "running"][-1]
        does = {"failed": "has failed", "stopped": "is stopped"}.get(one["state"], "is on its way")
        return f"{names.short(find_commit(one))} is newer at {one['label']}, and {does}"
    return ""


def describe_same(preview: Preview) -> str:
    """Return which newest commit a preview serves too, "" if there is none."""
    same = preview.get("same", [])
    if not same:
        return ""
    return f"{names.short(same[-1])} is the same: nothing of {preview['app']} changed"


def describe_older(preview: Preview) -> str:
    """Return which variables a preview has as they were before a change, "" if there are none."""
    older = preview.get("older_variables", [])
    return f"has older values: {', '.join(older)}" if older else ""


def progress(preview: Preview, now: float) -> str:
    """Return a preview's progress at `now`: the rest of a sentence that begins with its title."""
    state = preview["state"]
    if state == "running":
        return f"runs at {preview['url']}"
    if state == "failed":
        return failure(preview)
    if state == "queued":
        return _waiting(preview, now)
    if state in {"stopped", "draining"} and (reason := one_line(preview["reason"])):
        return f"{_STATES[state]}: {reason}"
    if state in {"building", "starting"}:
        doing = describe_phase(preview["phase"], preview.get("detail", ""))
        return doing or _STATES[state]
    return _STATES.get(state, f"is {state}")


def describe_phase(phase: str, detail: str) -> str:
    """Return what an attempt does in a phase: "builds the image (3/5 RUN make)", or ""."""
    doing = _PHASES.get(phase, "")
    more = shortened(detail, _LONGEST_DETAIL) if doing else ""
    return f"{doing} ({more})" if more else doing


def _waiting(preview: Preview, now: float) -> str:
    """Return a preview's place in the queue, and the reason: "is 2nd in the queue: ..."."""
    place, reason = preview["queue_place"], one_line(preview["reason"]).removesuffix(".")
    standing = "waits for an agent" if place is None else f"is {ordinal(place)} in the queue"
    if (moment := preview["next_try"]) is not None:  # it waits for no agent until then
        standing = f"is tried again in {duration(max(1, math.ceil(moment - now)))}"
    return f"{standing}: {reason}" if reason else standing


def notes(preview: Preview) -> str:
    """Return a list's notes about a preview: its place, its reason, its pin."""
    place = preview["queue_place"]
    standing = "" if place is None else f"{ordinal(place)} in the queue"
    reason = failure(preview).removeprefix("failed: ") if preview["failure"] else preview["reason"]
    sentence = ": ".join(part for part in (standing, one_line(reason)) if part)
    facts = (describe_same(preview), describe_older(preview), describe_rivals(preview))
    others = "; ".join(filter(None, facts))
    sentence = (
        f"{sentence.removesuffix('.')}; {others}" if sentence and others else sentence or others
    )
    return "; ".join(part for part in ("pinned" if preview["pinned"] else "", sentence) if part)


def failure(preview: Preview) -> str:
    """Return why a preview failed: "failed: the image could not be built (exit code 7)"."""
    return describe_failure(preview["failure"])


def describe_failure(found: Failure | None) -> str:
    """Return why something failed, as `failure` does."""
    if found is None:
        return "failed"
    message = one_line(found["message"]) or found["cause"]
    code = found["exit_code"]
    known = code is None or f"code {code}" in message
    return f"failed: {message}" if known else f"failed: {message} (exit code {code})"


def failed(preview: Preview, name: str, now: float) -> PreviewFailed:
    """Return the error for a preview that was requested as `name` and does not run."""
    app = preview["app"]
    message = f"{title(preview)} {progress(preview, now)}"
    if rivals := describe_rivals(preview):
        message = f"{message.removesuffix('.')}; {rivals}"
    found = preview["failure"]
    mistakes = found.get("mistakes", []) if found else []
    lines = [f"line {one['line']}: {one['message']}" for one in mistakes]
    if preview["state"] != "failed":
        return PreviewFailed(message, f"`prevs start {app} {name}` starts it again.")
    hint = (
        f"`prevs logs {app} {name}` prints the whole log, `prevs retry {app} {name}` tries again."
    )
    return PreviewFailed(message, hint, str(preview.get("log_tail", "")), lines)


def shortened(text: str, size: int) -> str:
    """Return `text` on one line of `size` characters at most."""
    line = one_line(text)
    return line if len(line) <= size else f"{line[: size - 1]}…"


def ordinal(number: int) -> str:
    """Return "1st", "2nd", "3rd", "4th", "11th" or "21st"."""
    teen = number % 100 in {11, 12, 13}
    ending = "th" if teen else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def duration(seconds: int) -> str:
    """Return a time in all its units: "1 h 30 min"; no time is "0 s"."""
    parts = []
    for size, unit in _UNITS:
        number, seconds = divmod(seconds, size)
        parts += [f"{number} {unit}"] if number else []
    return " ".join(parts) or "0 s"


def brief(seconds: float) -> str:
    """Return a rounded time: "0.4 s", "12 s", "3 min 20 s", "2 h 5 min"."""
    if seconds < 9.95:
        return f"{max(0.0, seconds):.1f} s"
    whole = round(seconds)
    return duration(whole if whole < 3600 else whole - whole % 60)


def ago(moment: float | None, now: float) -> str:
    """Return how long before `now` a moment was, in its largest unit: "3 min ago"."""
    if moment is None:
        return "never"
    seconds = max(0, int(now - moment))
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return "0 s ago"


def clock_time(moment: float) -> str:
    """Return a moment in local time, in a form that sorts: "2026-03-01 14:05:09"."""
    return (
        datetime.datetime.fromtimestamp(moment, datetime.UTC)
        .astimezone()
        .strftime("%Y-%m-%d %H:%M:%S")
    )


def counted(things: Iterable[object], one: str, many: str) -> str:
    """Return "1 preview" or "3 previews"."""
    number = len(list(things))
    return f"{number} {one if number == 1 else many}"


def describe_polling(hooks: Hooks, now: float) -> str:
    """Return how an app's repository is read, and when its last webhook came."""
    every = hooks["polled_every"]
    polled = "when somebody needs it" if every is None else f"every {duration(round(every))}"
    if hooks["last"] is None:
        return f"{polled}; no webhook has come" if hooks["has_secret"] else polled
    return f"{polled}, and after each webhook; the last one came {ago(hooks['last'], now)}"


def describe_reach(isolation: Isolation | None) -> str:
    """Return in a few words what previews on an agent can reach."""
    if isolation is None:
        return "unknown"
    if isolation["open"]:
        return "anything: not isolated"
    reach = ", ".join(isolation["allowed"]) or "nothing private"
    builds = "" if isolation["builds"] and not isolation["builds_open"] else "; builds anything"
    return f"{reach}{builds}"
