"""Who may ask the service, which owns all state, and what proxies say to it of use."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from framework.access import Identity, Scope
from prevs.records import TokenRecord


class Use(NamedTuple):
    """What one proxy says of one task: open requests now, and how many came since it last said."""

    task_id: str
    open: int
    requests: int


class Tokens(Protocol):
    """The tokens of the HTTP API and of the dashboard. Thread safe."""

    def authenticate(self, token: str) -> Identity | None:
        """Return whose a token is; None for no token of ours.

        Neither blocks nor tells by the time it takes. Answers for any text.
        """
        ...

    def tokens(self) -> Sequence[TokenRecord]:
        """Return every token that was made, by name. Does not block."""
        ...

    def add_token(self, name: str, scope: Scope, app: str = "") -> tuple[TokenRecord, str]:
        """Make and store a token; return its record, and the token itself, which is kept nowhere.

        It is for one app, and goes with that, or for all. Blocks until that is stored, for 10 s at
        most. Raises TokenExists, UnknownApp, Unavailable.
        """
        ...

    def remove_token(self, name: str) -> None:
        """Remove a token: `authenticate` knows it no more when this returns.

        Blocks until that is stored, for 10 s at most. Raises UnknownToken, Unavailable.
        """
        ...
