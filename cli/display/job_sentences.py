"""Sentences about jobs, as functions of values."""

from cli.client.generated.records import Job, JobAttempt
from cli.display.receiver_table import describe_try
from cli.display.sentences import (
    ago,
    brief,
    clock_time,
    describe_failure,
    describe_phase,
    ordinal,
    shortened,
)
from cli.display.terminal import one_line
from prevs import names

SHORT = 8
"""Characters of a job's id in tables."""

_STATES = {
    "placed": "has an agent",
    "building": "builds",
    "running": "runs",
    "ending": "is being ended",
    "succeeded": "has succeeded",
    "cancelled": "is cancelled",
}
_CALLBACKS = {
    "waiting": "is still to be told",
    "told": "was told",
    "given-up": "was not told",
}
_LONGEST_COMMAND = 40


def what(job: Job) -> str:
    """Return what a job runs: its name, or else its command."""
    return job["name"] or shortened(" ".join(job["command"]), _LONGEST_COMMAND)


def title(job: Job) -> str:
    """Return a job's name for people: report at shop@main (5c80e7d)."""
    return f"{what(job)} at {names.task_name(job['app'], job['label'], job['commit'])}"


def progress(job: Job) -> str:
    """Return a job's progress: the rest of a sentence that begins with its title."""
    state = job["state"]
    reason = one_line(job["reason"]).removesuffix(".")
    if state == "queued":
        return _join(_standing(job), reason)
    if state == "failed":
        return describe_failure(job["failure"])
    if state == "building":
        return describe_phase(job["phase"], job["detail"]) or _STATES[state]
    if state == "running" and (said := job["progress"]):
        return f"runs: {said['percent']} % {one_line(said['message'])}".rstrip()
    return _join(_STATES.get(state, f"is {state}"), reason)


def notes(job: Job) -> str:
    """Return a list's notes about a job: its place, its progress, its reason."""
    if job["state"] == "failed":
        return progress(job).removeprefix("failed: ")
    said = progress(job)
    return said if said not in _STATES.values() else ""


def took(job: Job, now: float) -> str:
    """Return how long a job's command ran, or has run until now; "" if it did not begin."""
    began = job["began"]
    if began is None:
        return ""
    return brief(max(0.0, (now if job["ended"] is None else job["ended"]) - began))


def origin(job: Job) -> str:
    """Return which schedule has made a job, and for which time: "nightly, for ..."."""
    name, nominal = job["schedule"], job["nominal"]
    return f"{name}, for {clock_time(nominal)}" if name and nominal is not None else name or ""


def describe_attempt(attempt: JobAttempt, now: float) -> str:
    """Return how an attempt ended: "attempt 2 ended 3 min ago, after 12 s: Why"."""
    lasted = brief(max(0.0, attempt["ended"] - attempt["began"]))
    ended = f"attempt {attempt['number']} ended {ago(attempt['ended'], now)}, after {lasted}"
    return _join(ended, one_line(attempt["why"]).removesuffix("."))


def describe_callback(job: Job, now: float) -> str:
    """Return who is told of a job's end, and what came of it; "" if nobody is."""
    callback = job["callback"]
    if callback is None:
        return ""
    told = _CALLBACKS.get(callback["state"], callback["state"])
    if callback["state"] == "waiting" and job["ended"] is None:
        told = "is told when it has ended"
    if last := callback["last"]:
        told = f"{told}, {ago(last['at'], now)}: {one_line(describe_try(last))}"
    if (again := callback["next"]) and again > now:
        told = f"{told} It is tried again in {brief(again - now)}."
    return f"{callback['receiver']} {told}"


def _standing(job: Job) -> str:
    place = job["place"]
    return "waits for an agent" if place is None else f"is {ordinal(place)} in the queue"


def _join(sentence: str, reason: str) -> str:
    return f"{sentence}: {reason}" if reason else sentence
