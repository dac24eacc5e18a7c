"""The page of the cluster: its agents, what each has, and who uses it."""

from collections.abc import Iterable
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from framework.dashboard.pages.page_context import PageContext
from framework.dashboard.pages.timeouts import within
from framework.dashboard.session.sessions import Viewer
from framework.errors import FrameworkError
from framework.http_api.models.agent_models import MesosAgent


class Bar(NamedTuple):
    """An amount of a resource, and how much of it our previews and others use."""

    total: float
    ours: float
    others: float

    @property
    def free(self) -> float:
        """The amount that nobody uses."""
        return max(0.0, self.total - self.ours - self.others)

    def percent(self, amount: float) -> float:
        """Return an amount in percent of the total, for drawing."""
        return round(100 * min(1.0, max(0.0, amount / self.total)), 2) if self.total else 0.0


class Cluster(NamedTuple):
    """The agents, how many of them take new tasks, and their resources in total."""

    agents: list[MesosAgent]
    active: int
    cpus: Bar
    mem: Bar


class ClusterPage:
    """The page of the cluster."""

    def __init__(self, context: PageContext) -> None:
        self._context = context

    def routes(self) -> list[Route]:
        """Return the route of this page."""
        return [Route("/cluster", self._context.access.protected_page(self._show), methods=["GET"])]

    async def _show(self, request: Request, viewer: Viewer) -> Response:
        cluster, problem = await read_cluster(self._context)
        return self._context.pages.show(
            request, viewer, "cluster", cluster=cluster, problem=problem, bars=bars
        )


async def read_cluster(context: PageContext) -> tuple[Cluster | None, str]:
    """Return the agents that Mesos reports, else why it does not."""
    try:
        shares = await within(context.shares.read(), "The Mesos master")
    except FrameworkError as error:
        return None, str(error)
    return add_up(shares.agents), ""


def add_up(agents: Iterable[MesosAgent]) -> Cluster:
    """Return some agents with their resources in total."""
    known = list(agents)
    each = [bars(agent) for agent in known]
    return Cluster(
        known,
        sum(agent.active for agent in known),
        _sum(cpus for cpus, _ in each),
        _sum(mem for _, mem in each),
    )


def bars(agent: MesosAgent) -> tuple[Bar, Bar]:
    """Return how an agent's CPUs and its memory are used."""
    total, used, others = agent.total, agent.used, agent.others
    return (
        Bar(total.cpus, max(0.0, used.cpus - others.cpus), others.cpus),
        Bar(total.mem, max(0.0, used.mem - others.mem), others.mem),
    )


def _sum(amounts: Iterable[Bar]) -> Bar:
    known = list(amounts)
    return Bar(
        sum(one.total for one in known),
        sum(one.ours for one in known),
        sum(one.others for one in known),
    )
