"""Bitbucket, for its webhooks alone."""

from framework.forges.forge_kind import HookSender
from framework.hooks.signatures import signed


class Bitbucket(HookSender):
    """Bitbucket's webhooks."""

    rank = 10
    # In this header GitHub has a digest of SHA-1.
    schemes = (signed("bitbucket", "x-hub-signature", "sha256=", id_header="x-request-uuid"),)
    by_hand = (
        "At Bitbucket: Repository settings, Webhooks, Add webhook: the address, the secret; "
        "repository push, pull request created, updated, merged, declined."
    )
