"""Records as the API shows them."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from framework.apps import effective_settings, room_detail
from framework.apps.effective_settings import Effective
from framework.http_api.http.paging import Key, cut
from framework.http_api.models import app_models, preview_models
from framework.ports import Resolved
from framework.preview import steps
from framework.service.previews import Previews
from framework.state.snapshot import Snapshot
from prevs.names import Addresses
from prevs.records import AppRecord, Failure, PreviewRecord
from prevs.states import State

_IMAGE = frozenset({"fetching", "building"})
_BEFORE_BUILD = frozenset({State.STOPPED, State.DRAINING, State.QUEUED, State.PLACED})
_MOST_SHOWN = 2000
"""How many previews are known as they were shown last, before they are forgotten."""
_UNKNOWN: Mapping[str, float] = {}


class _Seen(NamedTuple):
    """A preview, and what its record does not tell, as they were when it was last shown."""

    preview: PreviewRecord
    reason: str
    queue_place: int | None
    next_try: float | None
    usual: Mapping[str, float]
    wanted: Effective
    rivals: tuple[tuple[str, str, State], ...]


class Presenter:
    """Shows previews with what the record alone does not tell. Thread safe.

    What has not changed is shown as it was: many viewers look at one preview, again and again.
    `ready` gives None, or why nothing at all can be started now; `now` is in epoch seconds.
    """

    def __init__(
        self,
        previews: Previews,
        addresses: Addresses,
        ready: Callable[[], str | None],
        now: Callable[[], float],
    ) -> None:
        self._previews = previews
        self._addresses = addresses
        self._ready = ready
        self._now = now
        self._shown: dict[tuple[str, str], tuple[_Seen, preview_models.Preview]] = {}

    def show(self, preview: PreviewRecord) -> preview_models.Preview:
        """Return a preview as the API shows it; one without labels has its commit's address.

        Others get the same: nobody may change it.
        """
        key = (preview.app, preview.sha)
        snapshot = self._previews.snapshot
        rivals = snapshot.find_rivals(preview)
        seen = _Seen(
            preview,
            self._reason(preview),
            snapshot.queue_places.get(key),
            self._next_try(preview),
            snapshot.typical_durations.get(preview.app, _UNKNOWN),
            _find_wanted(preview, snapshot),
            tuple((label, one.sha, one.state) for label, one in rivals),
        )
        known = self._shown.get(key)
        if known and known[0].preview is preview and known[0][1:] == seen[1:]:
            return known[1]
        shown = self._make(seen)
        if len(self._shown) >= _MOST_SHOWN:
            self._shown = {}
        self._shown[key] = (seen, shown)
        return shown

    def _make(self, seen: _Seen) -> preview_models.Preview:
        preview, url = seen.preview, self._addresses.url
        urls = [url(label, preview.app) for label in preview.labels]
        return preview_models.Preview(
            app=preview.app,
            sha=preview.sha,
            state=preview.state,
            phase=preview.phase,
            detail=preview.detail,
            labels=list(preview.labels),
            url=urls[-1] if urls else url(preview.sha, preview.app),
            urls=urls,
            reason=seen.reason,
            queue_place=seen.queue_place,
            next_try=seen.next_try,
            failure=_show_failure(preview.failure),
            port=seen.wanted.port,
            cpus=seen.wanted.cpus,
            mem=seen.wanted.mem,
            task_id=preview.task_id,
            agent=_show_agent(preview),
            host_port=preview.host_port,
            created=preview.created,
            changed=preview.changed,
            started=preview.started,
            last_used=preview.last_used,
            rivals=[
                preview_models.Rival(label=label, sha=sha, state=state)
                for label, sha, state in seen.rivals
            ],
            pinned=preview.pinned,
            steps=_show_steps(preview, seen.usual),
        )

    def show_queue(self, limit: int, after: str, app: str = "") -> preview_models.Queue:
        """Return what waits, the next first; `limit` and `after` as in paging.

        It is of one app, or of all; its places are those among all.
        """
        snapshot = self._previews.snapshot
        placed = [
            (place, preview)
            for preview in snapshot.list_previews()
            if app in ("", preview.app)
            and (place := snapshot.queue_places.get((preview.app, preview.sha))) is not None
        ]
        page = cut(placed, lambda one: _rank(one[1]), limit, after)
        return preview_models.Queue(
            queue=[
                preview_models.Queued(
                    place=place,
                    app=preview.app,
                    sha=preview.sha,
                    label=preview.labels[-1] if preview.labels else None,
                    reason=self._reason(preview),
                    since=max(preview.changed, preview.retry_at),
                )
                for place, preview in page.entries
            ],
            next=page.next,
        )

    def _reason(self, preview: PreviewRecord) -> str:
        """Return why it waits: what keeps everything from starting comes before its own reason.

        While it runs, what is wrong with it.
        """
        common = self._ready() if preview.state is State.QUEUED else None
        return common or preview.reason or _tell_kills(preview)

    def _next_try(self, preview: PreviewRecord) -> float | None:
        waits = preview.state is State.QUEUED and preview.retry_at > self._now()
        return preview.retry_at if waits else None


def _find_wanted(preview: PreviewRecord, snapshot: Snapshot) -> Effective:
    # There is none where it was removed just now.
    app = snapshot.apps.get(preview.app) or AppRecord(preview.app, "")
    return effective_settings.resolve(app, preview.settings)


def _tell_kills(preview: PreviewRecord) -> str:
    if preview.state is not State.RUNNING or not preview.memory_kills:
        return ""
    times = "once" if preview.memory_kills == 1 else f"{preview.memory_kills:,} times"
    return (
        f"It ran out of memory: {times} since it started the kernel killed a process of it, and "
        "the application went on. Raise its memory, or make it use less."
    )


def _rank(queued: PreviewRecord) -> Key:
    """Return what orders the queue, and stays while one waits: its place does not."""
    return (queued.changed, queued.created, queued.app, queued.sha)


def show_app(app: AppRecord, *, has_credential: bool = False) -> app_models.App:
    """Return an app as the API shows it; its repository may be read with a credential."""
    return app_models.App(
        name=app.name,
        repository=app.repository,
        port=app.port,
        cpus=app.cpus,
        mem=app.mem,
        max_previews=app.max_previews,
        health=app.health,
        idle_after=app.idle_after,
        keep_warm=list(app.keep_warm),
        constraints=list(app.constraints),
        folder=app.folder,
        max_cpus=app.max_cpus,
        max_mem=app.max_mem,
        room=room_detail.find_room(app),
        room_shows=room_detail.find_shown(app, has_credential=has_credential),
        created=app.created,
    )


def show_lead(
    app: str, label: str, lead: Resolved, addresses: Addresses, *, now: float
) -> app_models.Lead:
    """Return what a label leads to as the API shows it."""
    told = {**lead._asdict(), "as_of": find_time(lead, now)}
    del told["age"]
    return app_models.Lead.model_validate(
        {"app": app, "label": label, **told, "url": addresses.url(label, app)}
    )


def find_time(lead: Resolved, now: float) -> float | None:
    """Return when a label led there, where it is not known whether it still does."""
    return None if lead.age is None else now - lead.age


def _show_steps(preview: PreviewRecord, usual: Mapping[str, float]) -> list[preview_models.Step]:
    known = steps.intervals(preview)
    # What has run has its image: the next attempt fetches and builds nothing, where that is there.
    unneeded = _IMAGE if preview.step_seconds and preview.state in _BEFORE_BUILD else frozenset()
    usual = {name: took for name, took in usual.items() if name not in unneeded}
    return [
        preview_models.Step(name=name, began=began, ended=ended, usual=usual.get(name))
        for name in steps.STEPS
        for began, ended in (known.get(name, (None, None)),)
    ]


def _show_failure(failure: Failure | None) -> preview_models.Failure | None:
    if failure is None:
        return None
    return preview_models.Failure(
        cause=failure.cause,
        message=failure.message,
        exit_code=failure.exit_code,
        mistakes=[
            preview_models.Mistake(line=one.line, message=one.message) for one in failure.mistakes
        ],
    )


def _show_agent(preview: PreviewRecord) -> preview_models.Agent | None:
    if preview.agent_id is None:
        return None
    return preview_models.Agent(id=preview.agent_id, host=preview.agent_host)
