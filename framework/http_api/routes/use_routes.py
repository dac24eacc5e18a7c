"""/v1/queue, /v1/uses and /v1/refusals: what waits, what is used, and what cannot be."""

from collections.abc import Callable

from fastapi import APIRouter, Request

from framework.http_api.http.paging import LIMIT, After, Limit
from framework.http_api.http.parameters import Asker
from framework.http_api.http.problems import document
from framework.http_api.models.presenter import Presenter
from framework.http_api.models.preview_models import Queue, RefusalReport, UseReport
from framework.ports import Previews, Use


class UseRoutes:
    """The calls about the use of agents. None blocks.

    `note_proxy` takes the address of who reports as a proxy.
    """

    def __init__(
        self, previews: Previews, presenter: Presenter, note_proxy: Callable[[str], None]
    ) -> None:
        self._previews = previews
        self._presenter = presenter
        self._note_proxy = note_proxy

    def make_router(self) -> APIRouter:
        """Return the routes of these calls."""
        router = APIRouter(tags=["use"])
        router.get("/v1/queue", responses=document(404))(self.show_queue)
        router.post(
            "/v1/uses",
            status_code=204,
            responses=document(400, 413),
        )(self.note_uses)
        router.post(
            "/v1/refusals",
            status_code=204,
            responses=document(400, 413),
        )(self.note_refusals)
        return router

    async def show_queue(self, asker: Asker, limit: Limit = LIMIT, after: After = "") -> Queue:
        """List what waits for an agent, the next first. Places are those among all that wait."""
        return self._presenter.show_queue(limit, after, asker.app)

    async def note_uses(self, report: UseReport, request: Request) -> None:
        """Take what a proxy has seen of the use of tasks. What is not told of stays as it was."""
        if request.client is not None:
            self._note_proxy(request.client.host)
        uses = [Use(one.task_id, one.open, one.requests) for one in report.uses]
        self._previews.note_uses(report.proxy, uses)

    async def note_refusals(self, report: RefusalReport) -> None:
        """Take which tasks refuse a proxy's connections. To be told again while that lasts."""
        self._previews.note_refusals(report.proxy, report.tasks)
