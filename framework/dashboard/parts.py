"""What the dashboard works with."""

from collections.abc import Callable
from typing import NamedTuple

from framework.dashboard.doors import Doors
from framework.dashboard.pages import Pages
from framework.dashboard.streams import Streams
from framework.http_api.agent_shares import AgentShares
from framework.http_api.answers import Presenter
from framework.http_api.audit import Audit
from framework.http_api.leads import Leads
from framework.http_api.logs import Logs
from framework.ports import Previews, Secrets, Tokens
from prevs.names import Addresses


class Parts(NamedTuple):
    """The ports that are read and written, and what makes answers of them.

    `ready` gives None, or why nothing can be started now.
    """

    previews: Previews
    tokens: Tokens
    audit: Audit
    secrets: Secrets
    shares: AgentShares
    presenter: Presenter
    leads: Leads
    logs: Logs
    addresses: Addresses
    ready: Callable[[], str | None]
    pages: Pages
    doors: Doors
    streams: Streams
