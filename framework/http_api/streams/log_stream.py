"""The log and the state of a preview as server-sent events."""

import dataclasses
import time
from collections.abc import Awaitable, Callable

import anyio

from framework.errors import NotFound
from framework.http_api.models.preview_models import Preview
from framework.http_api.streams.attempt_stream import AttemptStream
from framework.http_api.streams.logs import Logs
from framework.service.service_client import ServiceClient
from prevs.records import PreviewRecord
from prevs.states import State


class LogStream(AttemptStream[PreviewRecord, Preview]):
    """The events of previews. Belongs to the event loop's thread."""

    def __init__(
        self,
        previews: ServiceClient,
        reads: Logs,
        show: Callable[[PreviewRecord], Preview],
        *,
        public: bool = False,
        apart: bool = False,
        pause: Callable[[float], Awaitable[None]] = anyio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(reads, show, public=public, apart=apart, pause=pause, clock=clock)
        self._previews = previews

    async def look(self, record: PreviewRecord) -> PreviewRecord:
        """Return the preview as it is now; it counts as stopped if its app was removed."""
        try:
            return self._previews.snapshot.preview(record.app, record.sha)
        except NotFound:
            return dataclasses.replace(record, state=State.STOPPED, reason="The app was removed.")

    def looks_alike(self, now: Preview, before: Preview) -> bool:
        """Return whether nothing has changed, except when the preview was last used."""
        return now == before.model_copy(update={"last_used": now.last_used})
