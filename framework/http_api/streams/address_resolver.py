"""Resolves the label of an address, which may be that of a service: `result--main`.

A preview that holds a label has its address. Then the services of known previews come, then the
branches and other refs, and last what may be a service of a commit that nobody has requested yet.
"""

from typing import NamedTuple

import anyio.to_thread

from framework.errors import UnknownLabel
from framework.http_api.streams.label_resolver import LabelResolver
from framework.ports import Repositories, Resolved
from framework.service.service_client import ServiceClient
from prevs.commit_settings import CommitSettings
from prevs.records import Failure
from prevs.service_names import service_labels, service_part, split_service
from prevs.units import preview_unit


class Led(NamedTuple):
    """Where an address leads: to a commit, by a whole label; and to which `service` of it."""

    resolved: Resolved
    label: str
    service: str = ""


class AddressResolver:
    """Finds what addresses lead to, with a LabelResolver for labels that are no service's."""

    def __init__(self, labels: LabelResolver, previews: ServiceClient, refs: Repositories) -> None:
        self._labels = labels
        self._previews = previews
        self._refs = refs

    async def resolve(self, app: str, label: str, *, to_start: bool = False) -> Led:
        """Return where a label leads. Raises as LabelResolver.resolve."""
        found = split_service(label)
        if found is None:
            return Led(*await self._labels.resolve(app, label, to_start=to_start))
        part, rest = found
        if held := self._find_held(app, label):
            return Led(*await self._labels.resolve(app, held, to_start=to_start), part)
        try:
            return Led(*await self._labels.resolve(app, label, to_start=to_start))
        except UnknownLabel as unknown:
            try:
                led = Led(*await self._resolve_rest(app, label, rest, to_start=to_start), part)
            except UnknownLabel:
                raise unknown from None
        await self._require(app, label, part, led.resolved)
        return led

    def _find_held(self, app: str, label: str) -> str:
        """Return the label of the preview whose service is at a label; "" for none."""
        own = [one for one in self._previews.snapshot.previews.values() if one.app == app]
        if any(label in one.labels for one in own):
            return ""
        at = (
            held
            for one in own
            for service in (one.settings.run.services if one.settings else ())
            for held in one.labels
            if label in service_labels(service.name, held, app)
        )
        return next(at, "")

    async def _resolve_rest(
        self, app: str, label: str, rest: str, *, to_start: bool
    ) -> tuple[Resolved, str]:
        try:
            return await self._labels.resolve(app, rest, to_start=to_start)
        except UnknownLabel:
            whole = await anyio.to_thread.run_sync(self._find_whole, app, label)
            if not whole:
                raise
            return await self._labels.resolve(app, whole, to_start=to_start)

    def _find_whole(self, app: str, label: str) -> str:
        """Return the only label that was cut to fit behind a service; "" for none. Blocks."""
        part = label.partition("--")[0]
        heads = self._refs.heads(self._previews.snapshot.app(app)).commits
        whole = [one for one in heads if label in service_labels(part, one, app)]
        return whole[0] if len(whole) == 1 else ""

    async def _require(self, app: str, label: str, part: str, resolved: Resolved) -> None:
        """Raise UnknownLabel if the settings of a commit can be read and have no such service."""
        known = self._previews.snapshot.previews.get(preview_unit(app, resolved.id))
        settings = known.settings if known else None
        if settings is None:
            read = await self._labels.read_settings(app, resolved.sha)
            settings = None if isinstance(read, Failure) else read.settings
        if settings is not None and part not in map(service_part, _list_names(settings)):
            raise UnknownLabel(app, label, _explain(part, resolved.sha[:7], settings))


def _list_names(settings: CommitSettings) -> list[str]:
    return [one.name for one in settings.run.services]


def _explain(part: str, commit: str, settings: CommitSettings) -> str:
    services = _list_names(settings)
    there = f"those of {commit} are {', '.join(services)}" if services else f"{commit} has none"
    return (
        f"there is no such branch or tag, and no service {part!r} that visitors reach: {there}. "
        "`port` in a [companions.NAME] makes one."
    )
