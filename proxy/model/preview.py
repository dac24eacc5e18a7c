"""A preview and a commit as the framework's API describes them. Pure.

Unknown JSON is tolerated: a key of another type counts as absent. The `sha` of an instance of a
variant is an id of its own, for calls; people see the `commit` that it is `built_from`.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

from prevs import names
from prevs.states import State


class Mistake(NamedTuple):
    """A mistake in one line of a commit's .prevs.toml."""

    line: int
    message: str


class Failure(NamedTuple):
    """Why a preview failed, with the mistakes in its commit's settings."""

    cause: str
    message: str
    exit_code: int | None
    mistakes: tuple[Mistake, ...] = ()


class Step(NamedTuple):
    """A step of an attempt: when it began and ended (epoch seconds), and its usual seconds.

    A step without `began` was not reached yet, or was not needed.
    """

    name: str
    began: float | None
    ended: float | None
    usual: float | None


class Member(NamedTuple):
    """A member of a stack in a variant: at which label of `app` it is, and its `url` there.

    If it is `apart`, the variant has an instance of it alone; all others share their usual preview.
    `state` is "" if nothing was started yet.
    """

    name: str
    app: str
    label: str
    apart: bool
    url: str
    state: str


class Variant(NamedTuple):
    """A variant of a stack, and the name of the member whose own instance a preview is."""

    stack: str
    name: str
    member: str
    members: tuple[Member, ...]


@dataclasses.dataclass(frozen=True)
class Preview:
    """A preview. `changed` and `next_try` (if it waits for one) are in seconds since the epoch.

    `queue_place` is 1 for the preview that starts next. `agent` is a host, `detail` the progress of
    the phase. `serving` has, by label, the running commit that serves the label until this preview
    runs. `log_tail` has the last lines of its public log, if they were read. `instance` is the
    label of an instance of a variant, and `variant` what that is unless it is closed.
    """

    app: str
    sha: str
    state: str
    phase: str = ""
    detail: str = ""
    reason: str = ""
    queue_place: int | None = None
    next_try: float | None = None
    labels: tuple[str, ...] = ()
    url: str = ""
    task_id: str | None = None
    agent: str = ""
    steps: tuple[Step, ...] = ()
    changed: float | None = None
    failure: Failure | None = None
    log_tail: str = ""
    serving: Mapping[str, str] = dataclasses.field(default_factory=dict)
    built_from: str = ""
    instance: str = ""
    variant: Variant | None = None

    @property
    def commit(self) -> str:
        """Return the id of its commit, for people."""
        return self.built_from or self.sha

    @property
    def has_failed(self) -> bool:
        """Return whether it failed, and stays so until a retry."""
        return self.state == State.FAILED.value

    @property
    def is_stopped(self) -> bool:
        """Return whether it has no task and waits for none."""
        return self.state == State.STOPPED.value

    @property
    def is_coming(self) -> bool:
        """Return whether it runs, or is on its way to run."""
        return not self.has_failed and not self.is_stopped

    @property
    def handle(self) -> str:
        """Return what names it in a command: its commit in short, or the label of an instance."""
        return self.instance or names.short(self.sha)

    @property
    def place(self) -> str:
        """Return the place in the queue for people: "3rd in the queue", or nothing."""
        return f"{_ordinal(self.queue_place)} in the queue" if self.queue_place else ""

    def next_try_in(self, now: float) -> float | None:
        """Return the seconds until the next try, None if it does not wait for one."""
        return max(0.0, self.next_try - now) if self.next_try is not None else None


@dataclasses.dataclass(frozen=True)
class Commit:
    """The commit that a label leads to. `committed` is in seconds since the epoch.

    If it is `out_of_date`, its repository cannot be read now, and the label led here at `as_of`.
    `variant` is that of an instance.
    """

    sha: str
    kind: str = ""
    ref: str = ""
    author: str = ""
    subject: str = ""
    committed: float | None = None
    out_of_date: bool = False
    as_of: float | None = None
    built_from: str = ""
    variant: Variant | None = None

    @property
    def commit(self) -> str:
        """Return its id, for people."""
        return self.built_from or self.sha


def read_preview(value: Any) -> Preview:
    """Return the preview in a JSON object of the API. Raises ValueError if there is none."""
    fields = as_mapping(value)
    app, sha, state = (read_text(fields, key) for key in ("app", "sha", "state"))
    if not (app and sha and state):
        raise ValueError("no preview")
    labels, built_from = _read_labels(fields.get("labels")), _read_built_from(fields)
    return Preview(
        app=app,
        sha=sha,
        state=state,
        phase=read_text(fields, "phase"),
        detail=read_text(fields, "detail"),
        reason=read_text(fields, "reason"),
        queue_place=int(read_number(fields, "queue_place") or 0) or None,
        next_try=read_number(fields, "next_try"),
        labels=labels,
        url=read_text(fields, "url"),
        task_id=read_text(fields, "task_id") or None,
        agent=read_text(as_mapping(fields.get("agent")), "host"),
        steps=_read_steps(fields.get("steps")),
        changed=read_number(fields, "changed"),
        failure=_read_failure(fields.get("failure")),
        serving=_read_serving(fields.get("rivals")),
        built_from=built_from,
        instance=labels[-1] if labels and built_from else "",
        variant=_read_variant(fields.get("place")),
    )


def read_commit(value: Any) -> Commit:
    """Return the commit in a JSON object of the API. Raises ValueError if there is none."""
    fields = as_mapping(value)
    if not read_text(fields, "sha"):
        raise ValueError("no commit")
    return Commit(
        sha=read_text(fields, "sha"),
        kind=read_text(fields, "kind"),
        ref=read_text(fields, "ref"),
        author=read_text(fields, "author"),
        subject=read_text(fields, "subject"),
        committed=read_number(fields, "committed"),
        out_of_date=bool(read_text(fields, "problem")),
        as_of=read_number(fields, "as_of"),
        built_from=_read_built_from(fields),
        variant=_read_variant(fields.get("place")),
    )


def as_mapping(value: Any) -> Mapping[str, Any]:
    """Return a JSON object; an empty one in place of anything else."""
    return value if isinstance(value, Mapping) else {}


def read_number(fields: Mapping[str, Any], key: str) -> float | None:
    """Return the number at a key, None if there is none."""
    value = fields.get(key)
    return float(value) if isinstance(value, int | float) else None


def read_text(fields: Mapping[str, Any], key: str) -> str:
    """Return the text at a key, "" if there is none."""
    value = fields.get(key)
    return value if isinstance(value, str) else ""


def _read_labels(value: Any) -> tuple[str, ...]:
    return tuple(x for x in value if isinstance(x, str)) if isinstance(value, list) else ()


def _read_built_from(fields: Mapping[str, Any]) -> str:
    """Return the commit of an instance; "" for all that has its commit's id."""
    commit = read_text(fields, "commit")
    return "" if commit == read_text(fields, "sha") else commit


def _read_variant(value: Any) -> Variant | None:
    """Return the variant in a JSON value of the API; None if there is none."""
    fields = as_mapping(value)
    stack, name, member = (read_text(fields, key) for key in ("stack", "variant", "member"))
    read = (
        Member(
            read_text(one, "member"),
            read_text(one, "app"),
            read_text(one, "label"),
            one.get("apart") is True,
            read_text(one, "url"),
            read_text(one, "state"),
        )
        for one in _mappings(fields.get("members"))
    )
    members = tuple(one for one in read if one.url.startswith(("http://", "https://")))
    return Variant(stack, name, member, members) if stack and name else None


def _read_steps(value: Any) -> tuple[Step, ...]:
    return tuple(
        Step(
            read_text(step, "name"),
            *(read_number(step, key) for key in ("began", "ended", "usual")),
        )
        for step in _mappings(value)
    )


def _read_serving(value: Any) -> dict[str, str]:
    running = State.RUNNING.value
    return {
        read_text(one, "label"): read_text(one, "commit") or read_text(one, "sha")
        for one in _mappings(value)
        if read_text(one, "state") == running
    }


def _read_failure(value: Any) -> Failure | None:
    if not isinstance(value, Mapping):
        return None
    exit_code = value.get("exit_code")
    return Failure(
        read_text(value, "cause"),
        read_text(value, "message"),
        exit_code if isinstance(exit_code, int) else None,
        _read_mistakes(value.get("mistakes")),
    )


def _read_mistakes(value: Any) -> tuple[Mistake, ...]:
    return tuple(
        Mistake(int(read_number(one, "line") or 1), read_text(one, "message"))
        for one in _mappings(value)
        if read_text(one, "message")
    )


def _ordinal(number: int) -> str:
    teen = 10 <= number % 100 < 20
    return f"{number}{'th' if teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [as_mapping(item) for item in value] if isinstance(value, list) else []
