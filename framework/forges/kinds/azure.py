"""Azure DevOps, for its webhooks alone."""

from framework.forges.forge_kind import HookSender
from framework.hooks.signatures import BASIC


class Azure(HookSender):
    """The service hooks of Azure DevOps: a password is the one proof that they have."""

    rank = 11
    schemes = (BASIC,)
    by_hand = (
        "At Azure DevOps: Project settings, Service hooks, Web Hooks, Code pushed: the address, "
        "any user name, the secret as password."
    )
