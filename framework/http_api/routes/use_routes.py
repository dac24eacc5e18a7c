"""/v1/queue, /v1/uses and /v1/refusals: the queue, and what proxies report of tasks."""

import ipaddress
from collections.abc import Callable

from fastapi import Request

from framework.access import Scope
from framework.events import ConnectionsRefused, ProxyReport, UsageReported
from framework.http_api.admission.clients import Client
from framework.http_api.admission.operations import Reach, Routes, operation
from framework.http_api.http.paging import Paged
from framework.http_api.http.parameters import Caller
from framework.http_api.models.presenter import Presenter
from framework.http_api.models.preview_models import Queue, RefusalReport, UseReport
from framework.ports import Use

USES_LIMIT = 1024 * 1024
"""In bytes: a proxy reports thousands of tasks at once."""


class UseRoutes(Routes):
    """The calls about the queue and the use of tasks. None blocks.

    `report` takes a proxy's report, `note_proxy` the address of the proxy.
    """

    tag = "use"

    def __init__(
        self,
        presenter: Presenter,
        report: Callable[[ProxyReport], None],
        note_proxy: Callable[[str], None],
    ) -> None:
        self._report = report
        self._presenter = presenter
        self._note_proxy = note_proxy

    @operation("GET", "/v1/queue", Scope.READ, Reach.ITS_SHARE, refuses=(404,))
    async def show_queue(self, paged: Paged, caller: Caller) -> Queue:
        """List what waits for an agent, the next first. Places count all previews that wait."""
        return self._presenter.show_queue(paged, caller.sees)

    @operation(
        "POST", "/v1/uses", Scope.PROXY, action="report uses", is_report=True, body_limit=USES_LIMIT
    )
    async def note_uses(self, report: UseReport, request: Request) -> None:
        """Note how tasks were used through a proxy. A task that is not reported stays as it was."""
        if request.client is not None:
            self._note_proxy(request.client.host)
        uses = [Use(one.task_id, one.open, one.requests) for one in report.uses]
        addresses = {*report.addresses, *_find_address(request)}
        self._report(UsageReported(report.proxy, uses, sorted(addresses), report.user))

    @operation("POST", "/v1/refusals", Scope.PROXY, action="report refusals", is_report=True)
    async def note_refusals(self, report: RefusalReport) -> None:
        """Note which tasks refuse a proxy's connections. Proxies repeat this while that lasts."""
        self._report(ConnectionsRefused(report.proxy, report.tasks))


def _find_address(request: Request) -> list[str]:
    """Return the address that a proxy reports from, as its own may be translated on the way.

    Not loopback: there the proxy says from which of its addresses it connects.
    """
    client: Client | None = getattr(request.state, "client", None)
    address = client.address if client else None
    if address is None or ipaddress.ip_address(address).is_loopback:
        return []
    return [address]
