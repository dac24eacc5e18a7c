"""Records as the API shows them."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from framework.apps import effective_settings, forge_settings, room_detail
from framework.apps.app_secrets import find_older
from framework.apps.effective_settings import Effective, find_warm
from framework.apps.manifest import declared
from framework.errors import SecretsUnreadable, UnknownApp
from framework.forges import registry
from framework.http_api.http.paging import PageRequest
from framework.http_api.models import app_models, preview_models
from framework.http_api.models.variant_models import Places, VariantPlace
from framework.matching import launch_queue
from framework.ports import Resolved
from framework.preview import steps
from framework.service.service_client import ServiceClient
from framework.state.snapshot import Snapshot
from framework.units.lifecycle import STARTING
from prevs.companions import APPLICATION
from prevs.names import Addresses
from prevs.records import AppRecord, Failure, PreviewRecord
from prevs.service_names import service_url
from prevs.states import ATTEMPTED, State
from prevs.units import Unit, preview_unit

_IMAGE = frozenset({"fetching", "building"})
_BEFORE_BUILD = frozenset({State.STOPPED, State.DRAINING, State.QUEUED, State.PLACED})
_MOST_SHOWN = 2000
"""How many shown previews are cached, before all of them are dropped."""
_UNKNOWN: Mapping[str, float] = {}


class _Seen(NamedTuple):
    """A preview's record, and what else it is shown from: the key of the cache."""

    preview: PreviewRecord
    reason: str
    queue_place: int | None
    next_try: float | None
    usual: Mapping[str, float]
    wanted: Effective
    own: tuple[float, int]
    rivals: tuple[tuple[str, str, str, State], ...]
    place: VariantPlace | None
    older: tuple[str, ...]


class Presenter:
    """Shows previews, with values that are not in their records. Thread safe.

    It caches what it shows: many viewers look at one preview, again and again. `ready` returns
    None, or why nothing can start now; `now` returns epoch seconds.
    """

    def __init__(
        self,
        previews: ServiceClient,
        addresses: Addresses,
        ready: Callable[[], str | None],
        now: Callable[[], float],
    ) -> None:
        self._previews = previews
        self._addresses = addresses
        self._places = Places(addresses)
        self._ready = ready
        self._now = now
        self._shown: dict[Unit, tuple[_Seen, preview_models.Preview]] = {}

    def show(self, preview: PreviewRecord) -> preview_models.Preview:
        """Return a preview as the API shows it; one without labels has its commit's address.

        The value is shared through the cache: do not change it.
        """
        unit = preview_unit(preview.app, preview.sha)
        snapshot = self._previews.snapshot
        rivals = snapshot.find_rivals(preview)
        seen = _Seen(
            preview,
            self._reason(preview),
            snapshot.queue_places.get(unit),
            self._next_try(preview),
            snapshot.typical_durations.get(preview.app, _UNKNOWN),
            *_find_wanted(preview, snapshot),
            tuple((label, one.sha, one.commit, one.state) for label, one in rivals),
            self._places.find(preview.instance, snapshot),
            _find_older(preview, snapshot),
        )
        known = self._shown.get(unit)
        if known and known[0].preview is preview and known[0][1:] == seen[1:]:
            return known[1]
        shown = self._make(seen)
        if len(self._shown) >= _MOST_SHOWN:
            self._shown = {}
        self._shown[unit] = (seen, shown)
        return shown

    def _make(self, seen: _Seen) -> preview_models.Preview:
        preview, find_url = seen.preview, self._addresses.url
        labels = [preview.instance] if preview.instance else preview.labels
        urls = [find_url(label, preview.app, preview.instance) for label in labels]
        return preview_models.Preview(
            app=preview.app,
            sha=preview.sha,
            commit=preview.commit,
            state=preview.state,
            phase=preview.phase,
            detail=preview.detail,
            labels=list(preview.labels),
            url=urls[-1] if urls else find_url(preview.sha, preview.app),
            urls=urls,
            reason=seen.reason,
            queue_place=seen.queue_place,
            next_try=seen.next_try,
            failure=_show_failure(preview.failure),
            port=seen.wanted.port,
            cpus=seen.wanted.cpus,
            mem=seen.wanted.mem,
            containers=_show_containers(seen),
            services=show_services(preview, (labels or [preview.sha])[-1], self._addresses),
            task_id=preview.task_id,
            agent=_show_agent(preview),
            host_port=preview.host_port,
            created=preview.created,
            changed=preview.changed,
            started=preview.started,
            last_used=preview.last_used,
            rivals=_show_rivals(seen),
            pinned=preview.pinned,
            ahead=preview.ahead,
            steps=_show_steps(preview, seen.usual),
            place=seen.place,
            data=preview.data,
            same=list(preview.same),
            older_variables=list(seen.older),
        )

    def show_queue(self, paged: PageRequest, sees: Callable[[str], bool]) -> preview_models.Queue:
        """Return the queue of the apps that somebody `sees`, the next preview first.

        Places count the previews of all apps.
        """
        snapshot = self._previews.snapshot
        placed = [
            (place, (unit, preview))
            for unit, place in snapshot.queue_places.items()
            if sees(unit.app) and (preview := snapshot.previews.get(unit))
        ]
        page = paged.cut(placed, lambda one: launch_queue.order(one[1]))
        return preview_models.Queue(
            queue=[
                preview_models.Queued(
                    place=place,
                    app=preview.app,
                    sha=preview.sha,
                    commit=preview.commit,
                    label=preview.labels[-1] if preview.labels else None,
                    reason=self._reason(preview),
                    since=max(preview.changed, preview.retry_at),
                )
                for place, (_, preview) in page.entries
            ],
            next=page.next,
        )

    def _reason(self, preview: PreviewRecord) -> str:
        """Return why a preview waits, what is wrong with a running one, or why it is built.

        A reason why nothing can start comes before the preview's own.
        """
        common = self._ready() if preview.state is State.QUEUED else None
        own = preview.reason or _describe_kills(preview) or _describe_move(preview)
        return common or own or _describe_ahead(preview)

    def _next_try(self, preview: PreviewRecord) -> float | None:
        waits = preview.state is State.QUEUED and preview.retry_at > self._now()
        return preview.retry_at if waits else None


def _find_wanted(preview: PreviewRecord, snapshot: Snapshot) -> tuple[Effective, tuple[float, int]]:
    """Return the settings of a preview, and the CPUs and the memory of its application alone."""
    # The app may have been removed just now.
    app = snapshot.apps.get(preview.app) or AppRecord(preview.app, "")
    own = effective_settings.own_resources(app, preview.settings)
    return effective_settings.resolve(app, preview.settings), own


def _find_older(preview: PreviewRecord, snapshot: Snapshot) -> tuple[str, ...]:
    if preview.state not in ATTEMPTED:
        return ()
    try:
        return find_older(snapshot.given(preview.app), preview)
    except (SecretsUnreadable, UnknownApp):
        return ()


def _show_containers(seen: _Seen) -> list[preview_models.Share]:
    settings, (cpus, mem) = seen.preview.settings, seen.own
    shown = [preview_models.Share(name=APPLICATION, image="", cpus=cpus, mem=mem)]
    for one in settings.run.companions if settings else ():
        share = preview_models.Share(name=one.name, image=one.image, cpus=one.cpus, mem=one.mem)
        shown.append(share)
    return shown


def show_services(
    preview: PreviewRecord, label: str, addresses: Addresses
) -> list[preview_models.ServiceAddress]:
    """Return the addresses of a preview's services at one of its labels."""
    services = preview.settings.run.services if preview.settings else ()
    return [
        preview_models.ServiceAddress(
            name=one.name, url=service_url(addresses, one.name, label, preview.app)
        )
        for one in services
    ]


def _describe_kills(preview: PreviewRecord) -> str:
    if preview.state is not State.RUNNING or not preview.memory_kills:
        return ""
    times = "once" if preview.memory_kills == 1 else f"{preview.memory_kills:,} times"
    return (
        "It ran out of memory: since it started, the kernel killed one of its processes "
        f"{times}, and the application went on. Raise its memory, or make it use less."
    )


def _describe_move(preview: PreviewRecord) -> str:
    if not preview.moved_from or preview.state not in ATTEMPTED:
        return ""
    if preview.data:
        branch = preview.seed or preview.data
        return (
            f"It started on {preview.agent_host} without the data of the branch {branch}, "
            f"which are on {preview.moved_from}: nothing of what was stored there is here."
        )
    return (
        f"It started on {preview.agent_host} without the volumes that it had on "
        f"{preview.moved_from}: nothing of what it stored there is here."
    )


def _describe_ahead(preview: PreviewRecord) -> str:
    if not preview.ahead:
        return ""
    if preview.state is State.RUNNING:
        return "It was built ahead, and stops in a moment unless somebody comes."
    return "It is built ahead of its first visit." if preview.state in STARTING else ""


def show_app(
    app: AppRecord, *, has_credential: bool = False, forge_token_set: float | None = None
) -> app_models.App:
    """Return an app as the API shows it; its repository may be read with a credential."""
    followed = forge_settings.find_pulls(app, has_token=forge_token_set is not None)
    meant = {
        "room": room_detail.find_room(app),
        "forge": registry.show_forge(app),
        "pulls": forge_settings.show_pulls(app),
        "forks": forge_settings.find_forks(app),
        "warm": find_warm(app),
        "tell": forge_settings.find_tell(app),
    }
    return app_models.App(
        name=app.name,
        **{**declared.show(app), **meant},
        room_shows=room_detail.find_shown(app, has_credential=has_credential),
        forge_kind=registry.find_kind(app),
        forge_token_set=forge_token_set,
        pulls_followed=followed,
        created=app.created,
    )


def show_lead(
    app: str,
    label: str,
    resolved: Resolved,
    addresses: Addresses,
    *,
    place: VariantPlace | None,
    now: float,
) -> app_models.Lead:
    """Return what a label leads to as the API shows it."""
    own = {"sha": resolved.id, "commit": resolved.sha, "as_of": find_time(resolved, now)}
    fields = {**resolved._asdict(), **own, "place": place}
    instance, _ = fields.pop("instance"), fields.pop("same")
    url = addresses.url(label, app, instance)
    del fields["age"]
    return app_models.Lead.model_validate({"app": app, "label": label, **fields, "url": url})


def find_time(resolved: Resolved, now: float) -> float | None:
    """Return when a label was resolved; None if it was just now."""
    return None if resolved.age is None else now - resolved.age


def _show_rivals(seen: _Seen) -> list[preview_models.Rival]:
    return [
        preview_models.Rival(label=label, sha=sha, commit=commit, state=state)
        for label, sha, commit, state in seen.rivals
    ]


def _show_steps(preview: PreviewRecord, usual: Mapping[str, float]) -> list[preview_models.Step]:
    known = steps.intervals(preview)
    # A preview that ran before has an image: its next attempt neither fetches nor builds.
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
