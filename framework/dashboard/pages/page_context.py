"""What the dashboard's pages work with."""

from collections.abc import Callable
from typing import NamedTuple

from framework.dashboard.session.page_access import PageAccess
from framework.dashboard.session.responses import Pages
from framework.dashboard.session.streams import Streams
from framework.http_api.admission.audit import Audit
from framework.http_api.models.agent_shares import AgentShares
from framework.http_api.models.presenter import Presenter
from framework.http_api.streams.label_resolver import LabelResolver
from framework.http_api.streams.logs import Logs
from framework.ports import HookPorts, Tokens
from framework.service.forge_setup import ForgeSetup
from framework.service.previews import Previews
from prevs.names import Addresses


class PageContext(NamedTuple):
    """The ports that pages read and write, and what makes answers from them.

    `ready` returns None, or why nothing can start now. `is_log_kept` is as in Ports.
    """

    previews: Previews
    tokens: Tokens
    audit: Audit
    shares: AgentShares
    presenter: Presenter
    resolver: LabelResolver
    logs: Logs
    is_log_kept: Callable[[str], bool]
    addresses: Addresses
    ready: Callable[[], str | None]
    pages: Pages
    access: PageAccess
    streams: Streams
    hooks: HookPorts
    forge_setup: ForgeSetup
