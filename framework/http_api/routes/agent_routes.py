"""/v1/agents: what the cluster has, and who uses it."""

from framework.access import Scope
from framework.http_api.admission.operations import Operation, OperationRouter
from framework.http_api.http.paging import LIMIT, After, Limit, cut
from framework.http_api.http.problems import document
from framework.http_api.models import agent_models as models
from framework.http_api.streams.agent_shares import AgentShares


class AgentRoutes:
    """The calls about agents."""

    def __init__(self, shares: AgentShares) -> None:
        self._shares = shares

    def make_router(self) -> OperationRouter:
        """Return the routes of these calls."""
        router = OperationRouter("use")
        router.add(
            "GET", "/v1/agents", self.list_agents, Operation(Scope.READ), responses=document(404)
        )
        return router

    async def list_agents(self, limit: Limit = LIMIT, after: After = "") -> models.MesosAgents:
        """List the agents of the cluster by host, as they were within the last seconds."""
        shares = await self._shares.read()
        page = cut(shares.agents, lambda agent: (agent.host, agent.id), limit, after)
        return models.MesosAgents(agents=list(page.entries), next=page.next, as_of=shares.as_of)
