"""/v1/previews: start, watch and stop previews, and read their logs."""

import functools
import time
from collections.abc import Callable
from typing import Annotated

import anyio.to_thread
from fastapi import Query, Response

from framework.access import Identity, Scope
from framework.errors import NotAllowed, Unavailable, UnknownAttempt
from framework.http_api.admission.operations import Reach, Routes, operation
from framework.http_api.http import conditional
from framework.http_api.http.conditional import IfNoneMatch
from framework.http_api.http.paging import Paged
from framework.http_api.http.parameters import (
    App,
    Caller,
    ListedApps,
    Sha,
)
from framework.http_api.models import preview_models as models
from framework.http_api.models.attempt_models import Attempts, show_attempts
from framework.http_api.models.presenter import Presenter, find_time
from framework.http_api.models.variant_models import hide_others
from framework.http_api.streams import log_answers
from framework.http_api.streams.address_resolver import AddressResolver
from framework.http_api.streams.log_stream import LogStream
from framework.http_api.streams.logs import Logs
from framework.people import identities
from framework.service.service_client import ServiceClient
from framework.units import ended_attempts
from prevs.records import PreviewRecord
from prevs.states import State

OfState = Annotated[State | None, Query(description="Only in this state.", examples=["running"])]


class PreviewRoutes(Routes):
    """The calls about previews. Methods that are no coroutines run in a thread, and may block."""

    tag = "previews"

    def __init__(
        self,
        previews: ServiceClient,
        resolver: AddressResolver,
        logs: Logs,
        presenter: Presenter,
        *,
        is_log_kept: Callable[[str], bool],
    ) -> None:
        self._previews = previews
        self._is_log_kept = is_log_kept
        self._resolver = resolver
        self._logs = logs
        self._presenter = presenter

    @operation("GET", "/v1/previews", Scope.READ, Reach.ITS_SHARE, refuses=(404,))
    async def list_previews(
        self, paged: Paged, listed: ListedApps, state: OfState = None
    ) -> models.Previews:
        """List previews, by app and time of creation; of one app, or in one state."""
        listed.require_known(self._previews.snapshot)
        found = (
            preview
            for preview in self._previews.snapshot.list_previews()
            if listed.has(preview.app) and state in (None, preview.state)
        )
        page = paged.cut(found, lambda one: (one.app, one.created, one.sha))
        return models.Previews(
            previews=[self._show(preview, listed.caller) for preview in page.entries],
            next=page.next,
        )

    @operation(
        "POST",
        "/v1/previews",
        Scope.USE,
        Reach.ITS_SHARE,
        for_proxies=True,
        takes_key=True,
        refuses=(404, 502),
        status_code=202,
    )
    async def start_preview(
        self, order: models.StartOrder, caller: Caller, response: Response
    ) -> models.StartedPreview:
        """Start the preview that a label leads to. The same order again answers the same preview.

        If the repository cannot be read now, the label leads to what it led to at the last read.
        """
        may_use = caller.may(Scope.USE, order.app)
        identities.require(caller, is_theirs=may_use or caller.scope is Scope.PROXY)
        resolved, label, _ = await self._resolver.resolve(order.app, order.label, to_start=True)
        preview = await anyio.to_thread.run_sync(
            self._previews.start_resolved, order.app, label, resolved
        )
        response.headers["Location"] = f"/v1/previews/{preview.app}/{preview.sha}"
        return models.StartedPreview(
            **self._show(preview, caller).model_dump(),
            as_of=find_time(resolved, time.time()),
            problem=resolved.problem,
        )

    @operation(
        "GET",
        "/v1/previews/{app}/{sha}",
        Scope.READ,
        Reach.ITS_PATH,
        for_proxies=True,
        refuses=(404,),
        with_etag=models.PreviewDetail,
    )
    async def show_preview(
        self, app: App, sha: Sha, caller: Caller, if_none_match: IfNoneMatch = None
    ) -> Response:
        """Show a preview; a failed one with the last lines of its log."""
        preview = self._previews.snapshot.preview(app, sha)
        detail = self._show(preview, caller).model_dump()
        if preview.state is State.FAILED:
            detail["log_tail"] = await self._read_tail(preview)
        shown = models.PreviewDetail(**detail)
        return conditional.answer(shown, if_none_match, exclude_unset=True)

    @operation(
        "DELETE",
        "/v1/previews/{app}/{sha}",
        Scope.USE,
        Reach.ITS_PATH,
        refuses=(404,),
        status_code=202,
    )
    def stop_preview(self, app: App, sha: Sha, caller: Caller) -> models.Preview:
        """Stop a preview. The next request to its address starts it again."""
        preview = self._previews.command(lambda commands: commands.stop(app, sha))
        return self._show(preview, caller)

    @operation(
        "POST",
        "/v1/previews/{app}/{sha}/retry",
        Scope.USE,
        Reach.ITS_PATH,
        for_proxies=True,
        takes_key=True,
        refuses=(404,),
        status_code=202,
    )
    def retry_preview(self, app: App, sha: Sha, caller: Caller) -> models.Preview:
        """Try a failed preview again."""
        preview = self._previews.command(lambda commands: commands.retry(app, sha))
        return self._show(preview, caller)

    @operation(
        "POST",
        "/v1/previews/{app}/{sha}/restart",
        Scope.USE,
        Reach.ITS_PATH,
        takes_key=True,
        refuses=(404, 409),
        status_code=202,
    )
    def restart_preview(self, app: App, sha: Sha, caller: Caller) -> models.Preview:
        """End the attempt of a preview, and start it again with the app's newest variables."""
        preview = self._previews.command(lambda commands: commands.restart(app, sha))
        return self._show(preview, caller)

    @operation("PUT", "/v1/previews/{app}/{sha}/pin", Scope.USE, Reach.ITS_PATH, refuses=(404, 409))
    def pin_preview(self, app: App, sha: Sha, caller: Caller) -> models.Preview:
        """Keep a preview from stopping because it is idle, or to make room."""
        return self._pin(app, sha, caller, pinned=True)

    @operation(
        "DELETE", "/v1/previews/{app}/{sha}/pin", Scope.USE, Reach.ITS_PATH, refuses=(404, 409)
    )
    def unpin_preview(self, app: App, sha: Sha, caller: Caller) -> models.Preview:
        """Let a preview stop because it is idle, or to make room."""
        return self._pin(app, sha, caller, pinned=False)

    def _pin(self, app: str, sha: str, caller: Identity, *, pinned: bool) -> models.Preview:
        preview = self._previews.command(lambda commands: commands.pin(app, sha, pinned=pinned))
        return self._show(preview, caller)

    def _show(self, preview: PreviewRecord, caller: Identity) -> models.Preview:
        """Return a preview as a caller may see it: nothing of other apps of its stack."""
        shown = self._presenter.show(preview)
        place = hide_others(shown.place, caller.sees)
        return shown if place is shown.place else shown.model_copy(update={"place": place})

    @operation(
        "GET", "/v1/previews/{app}/{sha}/attempts", Scope.READ, Reach.ITS_PATH, refuses=(404,)
    )
    def list_attempts(self, app: App, sha: Sha) -> Attempts:
        """List the last attempts of a preview: when each began and ended, how, and its log."""
        preview = self._previews.snapshot.preview(app, sha)
        return Attempts(attempts=show_attempts(preview, self._is_log_kept))

    @operation(
        "GET",
        "/v1/previews/{app}/{sha}/log",
        Scope.READ,
        Reach.ITS_PATH,
        for_proxies=True,
        refuses=(404,),
        response_class=Response,
        answers=log_answers.DOCUMENTED,
    )
    async def show_log(
        self,
        app: App,
        sha: Sha,
        caller: Caller,
        *,
        offset: log_answers.Offset = 0,
        tail: log_answers.Tail = False,
        public: Annotated[
            bool, Query(description="Only what comes before the application's own output.")
        ] = False,
        attempt: log_answers.OfAttempt = None,
        follow: log_answers.Follow,
    ) -> Response:
        """Read the log of an attempt (without a number, the last), or follow the last as events."""
        preview = self._find_attempt(app, sha, attempt)
        if attempt is None and follow is not None:
            show = functools.partial(self._show, caller=caller)
            apart = follow.apart and not public
            stream = LogStream(self._previews, self._logs, show, public=public, apart=apart)
            return log_answers.answer_events(stream.follow(preview, follow.offset))
        if tail:
            return log_answers.answer_text(await self._read_tail(preview, public=public))
        data, next_offset = await self._logs.read_bytes(preview, offset, public=public)
        return log_answers.answer_text(data, next_offset)

    def _find_attempt(self, app: str, sha: str, attempt: int | None) -> PreviewRecord:
        """Return a preview; if `attempt` is given, as it was at the end of that one."""
        preview = self._previews.snapshot.preview(app, sha)
        found = preview if attempt is None else ended_attempts.look_back(preview, attempt)
        if found is None:
            raise UnknownAttempt(app, sha, attempt or 0)
        return found

    async def _read_tail(self, preview: PreviewRecord, *, public: bool = False) -> str:
        try:
            return await self._logs.read_tail(preview, public=public)
        except NotAllowed as exc:
            return f"== {exc} ==\n"
        except Unavailable:
            return ""
