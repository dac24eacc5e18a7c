"""The tokens of those who use the service, and what proxies report to it about use."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from framework.access import Identity, Scope
from framework.ports.identity import Person, Sealed
from prevs.records import TokenRecord


class Use(NamedTuple):
    """What a proxy reports about a task: requests open now, and new ones since its last report.

    What it reports about a variant has `cart|shop` in place of the id.
    """

    task_id: str
    open: int
    requests: int


class Tokens(Protocol):
    """The tokens of the HTTP API and of the dashboard. Thread safe."""

    def authenticate(self, token: str) -> Identity | None:
        """Return the identity of a token; None for a text that is no token of ours.

        A person's token has the rights that their roles give now. Does not block, and takes the
        same time for every text of one kind. Accepts any text.
        """
        ...

    def identify(self, person: Person) -> Identity:
        """Return who a person is, and what their roles let them do now. Does not block."""
        ...

    def seal_person(self, purpose: str, person: Person, until: float) -> str:
        """Return a text that proves who has signed in, for one purpose, until a time.

        Does not block. Of very many groups it keeps some, those with a role first.
        """
        ...

    def unseal_person(self, purpose: str, text: str) -> Sealed | None:
        """Return who has signed in; None for a text that does not count, or no more."""
        ...

    def tokens(self) -> Sequence[TokenRecord]:
        """Return every stored token, by name. Does not block."""
        ...

    def add_token(self, name: str, scope: Scope, app: str = "") -> tuple[TokenRecord, str]:
        """Make a token and store its record; return both. The token itself is not stored.

        It is for one app, and removed with the app, or for all apps. Blocks until the record is
        stored, for 10 s at most. Raises TokenExists, UnknownApp, Unavailable.
        """
        ...

    def remove_token(self, name: str) -> None:
        """Remove a token: `authenticate` refuses it once this has returned.

        Blocks until the change is stored, for 10 s at most. Raises UnknownToken, Unavailable.
        """
        ...
