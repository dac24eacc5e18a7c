"""/v1/agents: what the cluster has, and who uses it."""

from framework.access import Scope
from framework.http_api.admission.operations import Routes, operation
from framework.http_api.http.paging import Paged
from framework.http_api.models import agent_models as models
from framework.http_api.streams.agent_shares import AgentShares


class AgentRoutes(Routes):
    """The calls about agents."""

    tag = "use"

    def __init__(self, shares: AgentShares) -> None:
        self._shares = shares

    @operation("GET", "/v1/agents", Scope.READ, refuses=(404,))
    async def list_agents(self, paged: Paged) -> models.MesosAgents:
        """List the agents of the cluster by host, as they were within the last seconds."""
        shares = await self._shares.read()
        page = paged.cut(shares.agents, lambda agent: (agent.host, agent.id))
        return models.MesosAgents(agents=list(page.entries), next=page.next, as_of=shares.as_of)
