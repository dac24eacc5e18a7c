"""The content of the documentation's pictures: a shop's previews at a fixed time.

The stand-ins of the room and the dashboard get it; nothing here reads a clock.
"""

import itertools
from collections.abc import Mapping
from typing import Any

from framework.apps import description
from framework.ports import Listing, Ref, Resolved
from framework.ports.identity import Person
from framework.ports.mesos_agents import Amount, MesosAgent
from framework.preview import history
from framework.preview.history import History
from framework.state.snapshot import Snapshot
from prevs import names
from prevs.records import AppRecord, Failure, Step
from prevs.states import Cause, State
from prevs.units import preview_unit
from tests.fakes.dashboard import Dashboard
from tests.fakes.trees import Tree
from tests.fakes.world import World, steps

NOW = 1_795_600_000.0
SEARCH = "9f2c61d8e07b4a35c1f6d2b8e94a7c3051d8e6f2"
LABEL = "live-search"
PERSON = Person("7", "grace", frozenset({"design"}))

_USUAL = {
    "queued": 0.2,
    "placed": 0.6,
    "fetching": 1.4,
    "building": 38.0,
    "starting": 0.5,
    "checking": 2.3,
}
_LOG = """\
#4 [1/5] FROM docker.io/library/node:22-slim
#4 CACHED

#5 [2/5] WORKDIR /shop
#5 CACHED

#6 [3/5] COPY package.json package-lock.json ./
#6 DONE 0.1s

#7 [4/5] RUN npm ci
#7 0.402 \x1b[1mnpm\x1b[22m \x1b[33mwarn\x1b[39m deprecated inflight@1.0.6
#7 9.871 added \x1b[32m412 packages\x1b[39m in 9s
#7 9.902 96 packages are looking for funding
#7 DONE 10.2s

"""
_LAST = """\
#8 [5/5] RUN npm run build
#8 0.311 > shop@2.14.0 build
#8 0.312 > tsc --noEmit && vite build
#8 8.604 \x1b[36mvite v7.1.2\x1b[39m building for production...
"""
_GOES_ON = """\
#8 9.118 transforming (318) \x1b[2msrc/search/Suggestions.tsx\x1b[22m
#8 9.440 transforming (471) \x1b[2msrc/search/useDebounced.ts\x1b[22m
"""
_BREAKS = """\
#8 9.127 \x1b[31mx\x1b[39m Build failed in 512ms
#8 9.128 \x1b[31merror during build:\x1b[39m
#8 9.128 \x1b[1msrc/search/Suggestions.tsx\x1b[22m (14:9): "useDebounced" is not exported by \
"src/search/hooks.ts"
#8 9.129 14: import { \x1b[31museDebounced\x1b[39m } from "./hooks";
#8 9.129               \x1b[31m^\x1b[39m
#8 ERROR: process "/bin/sh -c npm run build" did not complete successfully: exit code: 1
"""
_RUNS = """\
#8 14.02 \x1b[32m/\x1b[39m 618 modules transformed.
#8 14.31 dist/index.html                  \x1b[2m0.62 kB\x1b[22m
#8 14.31 dist/assets/index-Dk2f81aQ.css  \x1b[2m48.07 kB\x1b[22m
#8 14.31 dist/assets/index-B7xw0c3N.js  \x1b[2m311.94 kB\x1b[22m
#8 14.32 \x1b[32mbuilt in 5.72s\x1b[39m
#8 DONE 14.6s
shop 2.14.0, 1204 products
listening on 0.0.0.0:8000
\x1b[32mGET\x1b[39m / 200 4 ms
\x1b[32mGET\x1b[39m /assets/index-B7xw0c3N.js 200 1 ms
\x1b[32mGET\x1b[39m /api/products?sort=new 200 17 ms
"""
_SENTENCE = (
    "Step 5/5 of the Dockerfile failed (exit code 1): RUN npm run build. The log has the details: "
    "fix it, push, and open the new commit's address."
)
_UNRECOGNISED = {
    "package.json": '{"name": "shop", "scripts": {"test": "vitest"}}',
    "api/Dockerfile": "FROM debian",
    "worker/Dockerfile": "FROM debian",
}
OFFERED = "https://git.example.org/blog.git"
_DOCKERFILE = """FROM python:3.13-slim
EXPOSE 8000
"""
_COMPOSE = """services:
  web:
    build: .
    command: gunicorn blog.wsgi --bind 0.0.0.0:8000
    ports: ["8000:8000"]
    restart: unless-stopped
    depends_on: [db, redis]
  worker:
    build: .
    command: celery --app blog worker
    depends_on: [db, redis]
  db:
    image: postgres:17
    volumes: ["data:/var/lib/postgresql/data"]
  redis:
    image: redis:8
    container_name: blog-redis
volumes:
  data: {}
"""


def build(world: World) -> None:
    """Have the room's preview be built, as it has been for a good half of the usual time."""
    _begin(world, _LOG + _LAST + _GOES_ON)
    # That is 0.55 of the bar, as rounded by the room as by its script: it does not move.
    timed_steps = steps(NOW, 0.2, 0.6, 1.2, 21.45)
    world.move(
        "shop",
        SEARCH,
        "building",
        steps=timed_steps,
        phase="building",
        detail="5/5 RUN npm run build",
        task_id="the-task",
    )


def fail(world: World) -> None:
    """Have the room's preview fail while it is built."""
    _begin(world, _LAST + _BREAKS)
    timed_steps = steps(NOW, 0.2, 0.6, 1.2, 19.4)
    world.move(
        "shop",
        SEARCH,
        "failed",
        steps=timed_steps,
        phase="building",
        detail="5/5 RUN npm run build",
        failure=Failure(Cause.BUILD_FAILED, _SENTENCE, 1),
        changed=NOW,
    )


def lack(world: World) -> None:
    """Have the room's preview fail, as nothing of its commit says how to run it."""
    _begin(world, "")
    try:
        description.read(Tree(_UNRECOGNISED), AppRecord("shop", "/srv/shop"))
    except description.NotDescribed as error:
        failure = Failure(Cause.DOCKERFILE_MISSING, str(error))
    world.move("shop", SEARCH, "failed", failure=failure, changed=NOW)


def _begin(world: World, log: str) -> None:
    world.clear()
    world.known.usual_seconds["shop"] = _USUAL
    world.add(
        "shop",
        LABEL,
        SEARCH,
        author="Grace Hopper",
        subject="Suggest products as one types",
        committed=NOW - 14 * 60,
    )
    world.start("shop", LABEL)
    world.known.change("shop", SEARCH, agent_id="S2", agent_host="agent2.example.org")
    world.log(SEARCH, log)


_Line = tuple[str, str, str, str, float, State | None, dict[str, Any]]
_BRANCHES: tuple[_Line, ...] = (
    (
        LABEL,
        SEARCH,
        "Grace Hopper",
        "Suggest products as one types",
        14 * 60,
        State.BUILDING,
        {"phase": "building", "detail": "5/5 RUN npm run build", "agent_id": "S2"},
    ),
    (
        "main",
        "4be01a7c92d35f6e8a10b4c7d9e2f3a5b6c8d7e1",
        "Ada Lovelace",
        "Show what is in the cart",
        52 * 60,
        State.RUNNING,
        {"agent_id": "S1", "host_port": 31012, "pinned": True, "last_used": NOW - 40},
    ),
    (
        "fix/rounding",
        "c07d5e93b1f24a68d0e7a9c5b3f1e8d2064a7b9c",
        "Emmy Noether",
        "Round a sum once, at its end",
        3 * 3600,
        State.RUNNING,
        {"agent_id": "S2", "host_port": 31007, "last_used": NOW - 380},
    ),
    (
        "gift-cards",
        "71a9e4c2d85b036f9e1c7a4d2b8f60e35c9d1a07",
        "Alan Turing",
        "Take gift cards at the checkout",
        5 * 3600,
        State.FAILED,
        {
            "agent_id": "S1",
            "failure": Failure(Cause.OUT_OF_MEMORY, "It took more than its 256 MB of memory.", 137),
        },
    ),
    (
        "checkout",
        "e83f10b6a7c94d52f0b1e6d8c3a97f2450e1b6d8",
        "Mary Jackson",
        "Ask for all on one page",
        26 * 3600,
        State.STOPPED,
        {"reason": "Nobody used it for 1 h; its address starts it again."},
    ),
    (
        "dark-mode",
        "2d6b9f04e1c87a53b0d4f6e2a8c1957e3f0b2d64",
        "Margaret Hamilton",
        "Follow the system's colours",
        3 * 86400,
        None,
        {},
    ),
)
MAIN, FIX = _BRANCHES[1][1], _BRANCHES[2][1]
_WAITS = {"reason": "No agent has 512 MB free; the most is 384."}
_OTHERS: tuple[tuple[str, str, str, State, float, dict[str, Any]], ...] = (
    ("docs", "main", "5a02d7be" * 5, State.RUNNING, 7200, {"agent_id": "S3"}),
    ("docs", "v2", "b3f86e10" * 5, State.RUNNING, 9000, {"agent_id": "S3"}),
    ("payments", "main", "80cd4519" * 5, State.RUNNING, 4000, {"agent_id": "S1"}),
    ("payments", "sepa", "d94b7a0c" * 5, State.RUNNING, 5400, {"agent_id": "S2"}),
    ("payments", "refunds", "6e7f1b38" * 5, State.QUEUED, 8, _WAITS),
)


def fill(dashboard: Dashboard) -> None:
    """Have three apps on three agents, with something in every state."""
    for name, cpus, mem in (("docs", 0.1, 128), ("payments", 0.25, 512), ("shop", 0.2, 256)):
        repository = f"https://git.example.org/{name}.git"
        dashboard.previews.known_apps[name] = AppRecord(
            name, repository, port=8000, cpus=cpus, mem=mem, created=NOW - 40 * 86400
        )
        dashboard.previews.usual_seconds[name] = _USUAL
    refs = []
    for branch, sha, author, subject, age, state, more in _BRANCHES:
        dashboard.refs.put("shop", branch, sha)
        label = names.slug(branch)
        refs.append(Ref(branch, "branch", label, sha, author, subject, NOW - age))
        commit = Resolved(sha, "commit", None, author, subject, NOW - age)
        dashboard.refs.leads["shop", sha] = commit
        if state:
            _put(dashboard, "shop", sha, state, branch, age=_request_age(state, age), **more)
    tags = [Ref(tag, "tag", tag, MAIN, "", "", NOW) for tag in ("v2-13", "v2-12", "v2-11")]
    dashboard.refs.listings["shop"] = Listing([*refs, *tags], 2.0)
    for app, branch, sha, state, age, more in _OTHERS:
        _put(dashboard, app, sha, state, branch, age=age, **more)
        if state is State.QUEUED:
            dashboard.previews.queue_places[app, sha] = 1
    dashboard.sandboxes.output["shop-main"] = (_LAST + _RUNS).encode()
    dashboard.agents.known = [
        _agent("S1", {"zone": "a"}, 1.48, 1664.0),
        _agent("S2", {"zone": "b"}, 1.17, 1760.0),
        _agent("S3", {"zone": "b", "disk": "ssd"}, 0.62, 1728.0),
    ]
    _remember(dashboard)


def offer(dashboard: Dashboard) -> None:
    """Have a repository that is no app yet: Django with a database, a queue and a worker."""
    dashboard.refs.repositories[OFFERED, ""] = {"compose.yaml": _COMPOSE, "Dockerfile": _DOCKERFILE}


def _request_age(state: State, age: float) -> float:
    """Return how long ago a commit of that age was requested: soon, or during its build."""
    return 23.0 if state is State.BUILDING else age - 100


def _put(
    dashboard: Dashboard, app: str, sha: str, state: State, label: str, *, age: float, **more: Any
) -> None:
    """Add a preview that was requested `age` seconds ago; its state began as early as it could."""
    times = itertools.accumulate((0.8 * seconds for seconds in _USUAL.values()), initial=NOW - age)
    steps = [Step(name, at) for name, at in zip((*_USUAL, "running"), times, strict=True)]
    seen = steps[: {State.QUEUED: 1, State.BUILDING: 4, State.RUNNING: 7}.get(state, 6)]
    agent = more.get("agent_id")
    fields = {
        "agent_host": agent and f"agent{agent[1:]}.example.org",
        "task_id": agent and f"{app}-{label}",
        "created": NOW - age,
        "changed": NOW - age / 2 if state is State.STOPPED else seen[-1].began,
        "started": steps[-1].began if state is State.RUNNING else None,
    }
    dashboard.previews.put(
        app, sha, state, labels=(names.slug(label),), steps=tuple(seen), **fields, **more
    )


def _agent(
    number: str, attributes: Mapping[str, str], used_cpus: float, used_mem: float
) -> MesosAgent:
    total, used = Amount(4.0, 2048.0), Amount(used_cpus, used_mem)
    host = f"agent{number[1:]}.example.org"
    return MesosAgent(number, host, True, False, None, attributes, total, used)


def _remember(dashboard: Dashboard) -> None:
    """Make events of the previews' last changes, each at its time."""
    fake = dashboard.previews
    fake.look()  # existing previews are not events
    events, seen = History("scene"), Snapshot(dict(fake.known_apps), {})
    for key, preview in sorted(fake.known.items(), key=lambda item: item[1].changed):
        after = seen._replace(previews={**seen.previews, preview_unit(*key): preview})
        events, seen = history.note(events, seen, after, preview.changed), after
    fake.past = events
