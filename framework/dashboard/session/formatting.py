"""Formats times, amounts and states for people. Pure; times are seconds since the epoch."""

import datetime
import re
import shlex
from collections.abc import Sequence

from framework.http_api.jobs.job_models import Job
from framework.http_api.models.preview_models import Preview

NOTICES = {
    "start": "Requested. It starts as soon as an agent has room.",
    "start-known": "Requested from what is known of the repository, which cannot be read now.",
    "stop": "It is stopping. The next visit to its address starts it again.",
    "retry": "It is tried again.",
    "restart": "It restarts. Its address waits until it runs again.",
    "pin": "Pinned: it does not stop when it is idle, or to make room.",
    "unpin": "No longer pinned.",
    "start-job": "Requested. It runs as soon as an agent has room.",
    "cancel-job": "It is cancelled, and never starts again.",
    "cancel-group": "The jobs of the group that had not ended are cancelled.",
    "retry-job": "Requested. This is the new job, which does the same.",
    "pause-schedule": "Paused: it makes no jobs until it is resumed. Its jobs go on.",
    "resume-schedule": "It goes on. The times meanwhile are not made up.",
    "run-schedule": "Requested, beside the times of its schedule. This is the job.",
    "switch-gate": "The gate leads there. Proxies take it over within moments.",
    "roll-back-gate": "The gate leads where it led then. Proxies take it over within moments.",
    "gate-waits": "It waits until what it leads to runs. Until then the gate stays as it is.",
    "give-up-change": "The change is given up. The gate stays as it is.",
    "same-gate": "The gate leads there already. Nothing has changed.",
    "open-variant": "The variant is open. The first request to its address starts what it needs.",
    "stop-variant": "What runs in the variant alone is stopping. The next request starts it again.",
    "pin-variant": "Pinned: what runs in it does not stop when it is idle, or to make room.",
    "unpin-variant": "The variant is no longer pinned.",
    "close-variant": "The variant is closed. What ran in it alone stops, and goes. Its data "
    "stay on their agents until these need the room.",
    "approve": "The commit may be built now. The next push to its pull request waits again.",
    "add": "The app is registered. Open one of its addresses, or start a branch here.",
    "add-unread": "The app is registered, but none of its previews can start: see the reason "
    "below.",
    "add-empty": "The app is registered. It has no branch to start yet: push one.",
    "change": "Saved. The settings apply to attempts that begin later.",
    "remove": "The app is removed; its previews are stopping.",
    "set-variable": "The variable is set for attempts that begin from now on.",
    "set-forge-token": "The token is stored, sealed. Check below what it may do.",
    "unset-forge-token": "The token is removed. The forge is read without one now.",
    "enter-hook": "The forge has the webhook now. Check below whether it arrives.",
    "set-hook-secret": "Webhooks with this secret are accepted now, and with the former one.",
    "unset-hook-secret": "No webhook is accepted any more. Remove it at the forge too.",
    "unset-former-secret": "Webhooks with the former secret are not accepted any more.",
    "set-credential": "The credential is stored, sealed. It is used from now on.",
    "unset-credential": "The credential is removed. The repository is read without one now.",
    "change-access": "Saved. Proxies follow within a second.",
    "end-access": "Everybody is out, and all passes have ended.",
    "restart-older": "Its previews with older values start again.",
    "unset-variable": "The variable is unset for attempts that begin from now on.",
    "remove-token": "The token is removed, and everybody who signed in with it is signed out.",
    "sign-out": "You have signed out.",
}
"""The notice after an action, by the action's name in an address."""

_LONGEST_TITLE = 80
_STEPS = ((60, "s"), (60, "min"), (48, "h"))


_COMMIT = re.compile(r"\b[0-9a-f]{40}\b")


def few_digits(text: str) -> str:
    """Return a text in which each commit's id is cut to its first 12 digits."""
    return _COMMIT.sub(lambda found: found[0][:12], text)


def ago(then: float, now: float) -> str:
    """Return how long ago something was: "3 min ago". dashboard.js formats it alike."""
    seconds = max(0, int(now - then))
    return "just now" if seconds < 5 else f"{spell(seconds)} ago"


def until(then: float, now: float) -> str:
    """Return how long it is until something: "in 3 min". dashboard.js formats it alike."""
    return f"in {spell(then - now)}" if then - now >= 1 else "now"


def spell(seconds: float) -> str:
    """Return a time span in its largest unit: "42 s", "3 min", "47 h", "12 d"."""
    amount = max(0, int(seconds))
    for size, unit in _STEPS:
        if amount < size:
            return f"{amount} {unit}"
        amount //= size
    return f"{max(0, int(seconds)) // 86400} d"


def duration(seconds: float) -> str:
    """Return how long something took: "under 1 s", "42 s", "1 min 35 s", "2 h 5 min"."""
    whole = max(0, int(seconds))
    if not whole:
        return "under 1 s"
    minutes, rest = divmod(whole, 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def moment(then: float) -> str:
    """Return a time in full: "2026-11-26 07:18:00 UTC"; "" if it is out of range."""
    return _write(then, "%Y-%m-%d %H:%M:%S UTC")


def stamp(then: float) -> str:
    """Return a time for programs: "2026-11-26T07:18:00Z"; "" if it is out of range."""
    return _write(then, "%Y-%m-%dT%H:%M:%SZ")


def _write(then: float, form: str) -> str:
    try:
        return datetime.datetime.fromtimestamp(then, datetime.UTC).strftime(form)
    except (OverflowError, ValueError, OSError):
        return ""


def megabytes(amount: float) -> str:
    """Return an amount of memory: "512 MB", "1.5 GB"."""
    return f"{amount:.0f} MB" if amount < 1024 else f"{amount / 1024:.3g} GB"


def number(amount: float) -> str:
    """Return an amount with at most two digits after the point: "0.5", "12"."""
    return f"{amount:.2f}".rstrip("0").rstrip(".")


def state(preview: Preview | None, now: float) -> str:
    """Return a preview's state and its progress, in a few words."""
    if preview is None:
        return "not started"
    name = preview.state.value
    match name:
        case "queued" if preview.next_try:
            return f"{name}, next try in {spell(preview.next_try - now)}"
        case "queued" if preview.queue_place:
            return f"{name}, place {preview.queue_place}"
        case "building" if preview.phase == "fetching":
            return f"{name}, fetching"
        case "building" if preview.detail:
            return f"{name} {preview.detail.partition(' ')[0]}"
        case "starting" if preview.phase == "checking":
            return f"{name}, checking"
        case "draining":
            return "stopping"
    return name


def job_state(job: Job) -> str:
    """Return a job's state and its progress, in a few words."""
    name = job.state.value
    match name:
        case "queued" if job.place:
            return f"{name}, place {job.place}"
        case "building" if job.phase == "fetching":
            return f"{name}, fetching"
        case "building" if job.detail:
            return f"{name} {job.detail.partition(' ')[0]}"
        case "running" if job.progress:
            return f"{name} {job.progress.percent} %"
        case "failed" if job.exit_code is not None:
            return f"{name}, exit code {job.exit_code}"
    return name


def command(words: Sequence[str]) -> str:
    """Return a command as one types it in a shell."""
    return shlex.join(words)


def job_title(job: Job) -> str:
    """Return what a job runs, in short: its name, else its command."""
    text = job.name or command(job.command)
    return text if len(text) <= _LONGEST_TITLE else f"{text[: _LONGEST_TITLE - 1]}…"
