"""What is asked of the service, which owns all state: of previews, tokens and secrets."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from framework.access import Identity, Scope
from framework.apps.app_secrets import AppSecrets, Variable
from framework.matching.agents import Unfit
from framework.preview.history import History
from prevs.messages import Credential, Isolation
from prevs.records import AppRecord, PreviewRecord, TokenRecord


class Use(NamedTuple):
    """What one proxy says of one task: open requests now, and how many came since it last said."""

    task_id: str
    open: int
    requests: int


class Previews(Protocol):
    """What the HTTP API may ask of the service.

    Thread safe. Reads answer from the service's last snapshot and don't block; writes block until
    the service's thread has stored the change (at most 10 s, then raise Unavailable).
    """

    def apps(self) -> Sequence[AppRecord]:
        """Return every app, by name."""
        ...

    def app(self, name: str) -> AppRecord:
        """Return an app. Raises UnknownApp."""
        ...

    def add_app(self, app: AppRecord) -> AppRecord:
        """Store a new app, whose settings are right; the same again is no error.

        Raises AppExists, or BeingRemoved for a name that is not free yet.
        """
        ...

    def change_app(
        self, name: str, changes: Mapping[str, object], *, only_if: AppRecord | None = None
    ) -> AppRecord:
        """Change settings of an app, to right ones; they hold for later attempts.

        Raises UnknownApp; AppChanged where it is not as `only_if` says.
        """
        ...

    def remove_app(self, name: str, *, only_if: AppRecord | None = None) -> None:
        """Stop an app's previews and forget it and them.

        Raises UnknownApp; AppChanged where it is not as `only_if` says.
        """
        ...

    def previews(self) -> Sequence[PreviewRecord]:
        """Return every preview, by app and time of creation."""
        ...

    def preview(self, app: str, sha: str) -> PreviewRecord:
        """Return a preview. Raises UnknownApp, UnknownPreview."""
        ...

    def start(self, app: str, sha: str, label: str, *, refs: Sequence[str] = ()) -> PreviewRecord:
        """Ask for a preview, under a label. A failed one stays failed. Raises UnknownApp.

        `refs` are all that lead to the commit now (Resolved.refs): by these it has variables.
        """
        ...

    def stop(self, app: str, sha: str) -> PreviewRecord:
        """End a preview's task, if it has one. Raises UnknownApp, UnknownPreview."""
        ...

    def retry(self, app: str, sha: str) -> PreviewRecord:
        """Queue a failed preview again. Raises UnknownApp, UnknownPreview, NotRetryable."""
        ...

    def pin(self, app: str, sha: str, *, pinned: bool) -> PreviewRecord:
        """Keep a preview from being stopped for others or for idleness, or no longer.

        Raises UnknownApp, UnknownPreview.
        """
        ...

    def queue_place(self, app: str, sha: str) -> int | None:
        """Return a queued preview's place in the queue, 1 being the next; None for others."""
        ...

    def usual(self, app: str) -> Mapping[str, float]:
        """Return how many seconds each step of an app's attempts usually takes, where known."""
        ...

    def rivals(self, preview: PreviewRecord) -> Sequence[tuple[str, PreviewRecord]]:
        """Return each label of a preview that others of its app hold too, with each of those.

        The address of the label leads to the one that runs, until a newer one does.
        """
        ...

    def unfit(self) -> Mapping[str, Unfit]:
        """Return the agents where nothing is tried now, by id, and why."""
        ...

    def isolations(self) -> Mapping[str, Isolation]:
        """Return what previews and builds reach at agents, by id, as far as it was told."""
        ...

    def history(self) -> History:
        """Return what has happened since this framework leads."""
        ...

    def note_uses(self, proxy: str, uses: Sequence[Use]) -> None:
        """Take what a proxy says of its use of tasks. Does not wait for it to be looked at."""
        ...

    def note_refusals(self, proxy: str, tasks: Sequence[str]) -> None:
        """Take that tasks refuse a proxy's connections. Does not wait for it to be looked at."""
        ...


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

        It is for one app, and goes with that, or for all. Blocks as writes of Previews do. Raises
        TokenExists, UnknownApp, Unavailable.
        """
        ...

    def remove_token(self, name: str) -> None:
        """Remove a token: `authenticate` knows it no more when this returns.

        Blocks as writes of Previews do. Raises UnknownToken, Unavailable.
        """
        ...


class Secrets(Protocol):
    """What apps are given that their repositories don't have. Thread safe.

    `credential` and `of` answer from the service's last snapshot and don't block; the others block
    as writes of Previews do, and hold for what begins later: attempts, looks at a repository. They
    raise UnknownApp, SecretsUnreadable, Unavailable; SecretsChanged where things are not as
    `only_if` says. None of what they raise has a value in it.
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
