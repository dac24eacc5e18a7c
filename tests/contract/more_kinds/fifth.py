"""A fifth kind of forge, whole: with GitHub's API, and webhooks of its own."""

from collections.abc import Mapping
from typing import ClassVar

from framework.forges.kinds.github import GitHub
from framework.hooks.signatures import signed
from framework.ports.telling import Abilities


class Fifth(GitHub):
    """A repository at Fifth, as framework.ports.Forge describes it."""

    kind = "fifth"
    rank = 5
    title = "Fifth Forge"
    hosts = ("fifth.example.org", "ssh.fifth.example.org")
    aliases: ClassVar[Mapping[str, str]] = {}
    rights = "A token needs the right to write (docs/forges/other.md)."
    abilities = Abilities(edits_comments=False)
    own_secret = "the seal"  # its name
    takes_secret = False
    schemes = (signed("fifth", "x-fifth-signature", id_header="x-fifth-delivery"),)
    by_hand = "At Fifth: Hooks, for APP."
