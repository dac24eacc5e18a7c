"""What a class of framework/forges/kinds declares of its forge."""

import abc
from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple

from framework.forges.requester import Requester
from framework.forges.setup.webhooks import Hooks
from framework.hooks.signatures import Scheme
from framework.ports.forges import Forge
from framework.ports.telling import Abilities, Deployments, TellingForge
from program.git.addresses import Origin


class Place(NamedTuple):
    """A repository at its forge: the API's URL, and the parts of its name."""

    api: str
    name: tuple[str, ...]


class HookSender(abc.ABC):
    """Somebody who sends webhooks."""

    rank: ClassVar[int]
    """Its place in lists, the most used first, and in reverse that of its schemes among all: others
    send the headers of a much used forge beside their own."""
    schemes: ClassVar[Sequence[Scheme]]
    """How it proves a delivery; the first that fits names the sender."""
    by_hand: ClassVar[str]
    """Where people enter a webhook, in a sentence, in which APP is the app's name."""


class ForgeKind(HookSender, Forge, TellingForge):
    """A repository at a kind of forge: what framework.ports describes, by the forge's API."""

    kind: ClassVar[str]
    """Its name in the setting `forge`."""
    title: ClassVar[str]
    """Its name for people."""
    hosts: ClassVar[Sequence[str]] = ()
    """Hosts of repositories that are known to be of this kind."""
    aliases: ClassVar[Mapping[str, str]] = {}
    """Other names of hosts, mostly for ssh at port 443."""
    rights: ClassVar[str]
    """What a token needs, as a sentence that names the page of the documentation."""
    abilities: ClassVar[Abilities] = Abilities()
    webhooks: ClassVar[type[Hooks] | None] = None
    """What reads and makes webhooks by its API; None if that has none."""
    own_secret: ClassVar[str] = ""
    """The forge's name for a webhook's secret that the forge makes, "" if it makes none."""
    takes_secret: ClassVar[bool] = True
    """Whether it takes a webhook's secret from us."""
    deployments: Deployments | None = None

    def __init__(self, requester: Requester, name: tuple[str, ...]) -> None:  # noqa: ARG002
        """`name` is what `find_place` returns."""
        self.requester = requester

    def find_hooks(self) -> Hooks | None:
        """Return the repository's webhooks; None if the forge's API has none."""
        make = type(self).webhooks
        return make(self.requester) if make else None

    @staticmethod
    @abc.abstractmethod
    def headers(token: str) -> Mapping[str, str]:
        """Return the headers of all requests; "" is no token."""

    @staticmethod
    @abc.abstractmethod
    def find_place(origin: Origin, parts: tuple[str, ...]) -> Place | None:
        """Return where a repository is, by its forge's origin and the parts of its path there.

        None if no repository of this kind can have such a path.
        """

    @abc.abstractmethod
    def try_comment(self, number: int) -> None:
        """Raise ForgeRefused if the token may not comment a pull request. Leaves nothing."""

    @abc.abstractmethod
    def try_status(self, number: int) -> None:
        """Raise ForgeRefused if the token may not set the status of its head. Leaves nothing."""
