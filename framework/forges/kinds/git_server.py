"""A plain git server, whose hooks are shell scripts."""

from framework.forges.forge_kind import HookSender
from framework.hooks.signatures import BEARER


class GitServer(HookSender):
    """The hooks of a plain git server."""

    rank = 12
    schemes = (BEARER,)
    by_hand = (
        "At a plain git server: a post-receive hook that sends the secret as a bearer token "
        "(docs/webhooks.md)."
    )
