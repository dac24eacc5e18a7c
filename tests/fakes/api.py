"""What a stand-in for the framework's HTTP API knows: what a test arranges, and its JSON."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any, NamedTuple

from prevs import names

TOKEN = "the-token"
SHA = "de6b329c8f3b4a5d6e7f8091a2b3c4d5e6f70819"
OTHER_SHA = "de6b329fffffffffffffffffffffffffffffffff"
DEFAULTS = {
    "port": 8080,
    "cpus": 0.1,
    "mem": 128,
    "max_previews": 10,
    "health": "/",
    "idle_after": 3600,
    "keep_warm": [],
    "constraints": [],
    "folder": "",
    "max_cpus": 0.0,
    "max_mem": 0,
}

STEPS = ("queued", "placed", "fetching", "building", "starting", "checking")

Json = dict[str, Any]


class Drop:
    """In a stream: the connection breaks here."""


class Later(NamedTuple):
    """In a stream: what `make` returns when its turn comes. `make` may block."""

    make: Callable[[], bytes]


Sent = bytes | Drop | Later


@dataclasses.dataclass
class World:
    """What the stand-in answers from, and what it was asked.

    `streams` holds what each connection to a log stream sends: bytes, Later or Drop.
    """

    apps: dict[str, Json] = dataclasses.field(default_factory=dict)
    labels: dict[tuple[str, str], str] = dataclasses.field(default_factory=dict)
    previews: dict[tuple[str, str], Json] = dataclasses.field(default_factory=dict)
    log: bytes = b""
    piece: int = 1 << 20
    streams: list[list[Sent]] = dataclasses.field(default_factory=list)
    resumed_after: list[str | None] = dataclasses.field(default_factory=list)
    asked: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    bodies: list[Json] = dataclasses.field(default_factory=list)
    refusals: dict[tuple[str, str], tuple[int, Any]] = dataclasses.field(default_factory=dict)
    busy: list[int] = dataclasses.field(default_factory=list)
    """For each of the next calls: it is told to come again after so many seconds."""
    refs: list[Json] = dataclasses.field(default_factory=list)
    problem: str = ""
    """Why the repository cannot be fetched again."""
    commits: list[Json] = dataclasses.field(default_factory=list)
    agents: list[Json] = dataclasses.field(default_factory=list)
    events: list[Json] = dataclasses.field(default_factory=list)
    variables: dict[tuple[str, str], Json] = dataclasses.field(default_factory=dict)
    credentials: dict[str, Json] = dataclasses.field(default_factory=dict)
    tokens: dict[str, Json] = dataclasses.field(default_factory=dict)
    audit: list[Json] = dataclasses.field(default_factory=list)
    probe: tuple[int, Any] = (200, {"status": "ok", "role": "leader", "checks": []})


def app(name: str, **changes: object) -> Json:
    """Return an app as the API shows it."""
    return {"name": name, "repository": "/srv/x", "created": 1.0, **DEFAULTS, **changes}


def preview(app: str = "hello", sha: str = SHA, **changes: Any) -> Json:
    """Return a preview as the API shows it."""
    labels = changes.get("labels", ["main"])
    urls = [f"http://{label}.{app}.localhost:8080/" for label in labels]
    return {
        "app": app,
        "sha": sha,
        "state": "queued",
        "phase": "",
        "labels": labels,
        "url": urls[-1] if urls else f"http://{sha[:7]}.{app}.localhost:8080/",
        "urls": urls,
        "reason": "",
        "queue_place": None,
        "next_try": None,
        "failure": None,
        "port": 8080,
        "cpus": 0.1,
        "mem": 128,
        "task_id": None,
        "agent": None,
        "host_port": None,
        "created": 1.0,
        "changed": 2.0,
        "started": None,
        "last_used": None,
        "pinned": False,
        "detail": "",
        "steps": [{"name": name, "began": None, "ended": None, "usual": None} for name in STEPS],
        **changes,
    }


def steps(*times: tuple[float | None, float | None, float | None]) -> list[Json]:
    """Return the six steps with their (began, ended, usual), as far as these go."""
    known = [*times, *[(None, None, None)] * (len(STEPS) - len(times))]
    keys = ("began", "ended", "usual")
    return [
        {"name": name, **dict(zip(keys, time, strict=True))}
        for name, time in zip(STEPS, known, strict=True)
    ]


def commit(sha: str = SHA, **changes: object) -> Json:
    """Return a commit as the API lists it."""
    url = f"http://{sha[:7]}.hello.localhost:8080/"
    said = {"author": "Ada", "subject": "Say hello", "committed": 1.0}
    return {"sha": sha, **said, "url": url, **changes}


def ref(name: str, sha: str = SHA, **changes: object) -> Json:
    """Return a branch as the API lists it."""
    label = names.slug(name)
    url = f"http://{label}.hello.localhost:8080/"
    return {**commit(sha), "name": name, "kind": "branch", "label": label, "url": url, **changes}


def agent(host: str, **changes: object) -> Json:
    """Return an agent as the API lists it."""
    none = {"cpus": 0.0, "mem": 0.0}
    room = {"total": {"cpus": 4.0, "mem": 4096.0}, "used": none, "others": none}
    more: Json = {"active": True, "draining": False, "maintenance": None, "previews": []}
    return {"id": f"{host}-S0", "host": host, "attributes": {}, **more, **room, **changes}


def deed(number: int, **changes: object) -> Json:
    """Return something that somebody did, as the audit log tells it."""
    who = {"who": "ci", "scope": "use", "client": "10.0.0.1", "request": None}
    what = {"action": "start preview", "target": f"hello/{SHA}", "outcome": 202}
    return {"id": f"d-{number}", "at": float(number), **who, **what, **changes}


def event_of(number: int, **changes: object) -> Json:
    """Return something that has happened, as the API tells it."""
    what = {"type": "preview", "app": "hello", "sha": SHA, "label": "main", "task_id": None}
    state = {"state": "running", "before": "starting", "sentence": f"main of hello runs ({number})"}
    return {"id": f"e-{number}", "at": float(number), **what, **state, **changes}


def failed(**changes: Any) -> Json:
    """Return a preview that failed, with the end of its log."""
    failure = {"cause": "app-exited", "message": "The app exited.", "exit_code": 3, "mistakes": []}
    log_tail = "starting\noh no\n"
    return preview(**{"state": "failed", "failure": failure, "log_tail": log_tail, **changes})


def problem(slug: str, status: int, detail: str, **fields: object) -> tuple[int, Json]:
    """Return a refusal."""
    kind = f"urn:prevs:problem:{slug}"
    return status, {"type": kind, "title": slug, "status": status, "detail": detail, **fields}


def event(name: str, value: object, offset: int | None = None) -> bytes:
    """Return one event of a log stream."""
    identity = "" if offset is None else f"id: {offset}\n"
    return f"event: {name}\n{identity}data: {json.dumps(value)}\n\n".encode()
