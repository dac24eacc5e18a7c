"""What is asked of the service, which owns all state, about tokens and secrets."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from framework.access import Identity, Scope
from framework.apps.app_secrets import AppSecrets, Variable
from prevs.messages import Credential
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


class Secrets(Protocol):
    """What apps are given that their repositories don't have. Thread safe.

    `credential` and `of` answer from the service's last snapshot and don't block; the others block
    until that is stored, for 10 s at most, and hold for what begins later: attempts, looks at a
    repository. They raise UnknownApp, SecretsUnreadable, Unavailable; SecretsChanged where things
    are not as `only_if` says. None of what they raise has a value in it.
    """

    def credential(self, app: str) -> Credential | None:
        """Return how the repository of an app is read; None for one that needs no credential.

        So it is for an app that is not known. Raises SecretsUnreadable.
        """
        ...

    def of(self, app: str) -> AppSecrets:
        """Return all that an app is given. Raises UnknownApp, SecretsUnreadable."""
        ...

    def set_variable(
        self,
        app: str,
        name: str,
        variable: Variable,
        *,
        scope: Mapping[str, Any] | None = None,
        only_if: AppSecrets | None = None,
    ) -> AppSecrets:
        """Set a variable, and note when. Raises InvalidSettings, NoKey.

        `scope` are the fields of its VariableScope that change; the others stay as they were.
        """
        ...

    def unset_variable(self, app: str, name: str, *, only_if: AppSecrets | None = None) -> None:
        """Remove a variable. Raises UnknownVariable."""
        ...

    def set_credential(
        self, app: str, credential: Credential, *, only_if: AppSecrets | None = None
    ) -> AppSecrets:
        """Set the credential. Raises InvalidSettings, NoKey."""
        ...

    def unset_credential(self, app: str, *, only_if: AppSecrets | None = None) -> None:
        """Remove the credential. Raises UnknownCredential."""
        ...

    def unset_all(self, app: str) -> None:
        """Remove every variable; where they cannot be opened, the credential with them."""
        ...
