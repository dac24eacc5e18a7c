"""What the parts of the framework ask of each other, as small protocols.

The edges (mesos, zookeeper, refs, sandbox, http) implement or use them; none imports another.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, Protocol

from framework.access import Identity, Scope
from framework.app_secrets import AppSecrets, Variable
from framework.history import History
from framework.mesos_agents import AgentList
from prevs.messages import Credential
from prevs.records import (
    AppRecord,
    PlacementsRecord,
    PreviewRecord,
    ProxyRecord,
    SecretsRecord,
    TokenRecord,
)

Record = AppRecord | PreviewRecord | PlacementsRecord | TokenRecord | SecretsRecord
"""What the framework stores, and nobody else writes."""


class Use(NamedTuple):
    """What one proxy says of one task: open requests now, and how many came since it last said."""

    task_id: str
    open: int
    requests: int


class InverseOffer(NamedTuple):
    """A request of Mesos to leave an agent that will be away from `start` (epoch seconds) on."""

    id: str
    agent_id: str
    start: float


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

    def start(self, app: str, sha: str, label: str) -> PreviewRecord:
        """Ask for a preview, under a label. A failed one stays failed. Raises UnknownApp."""
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
        """Return every token but the operator's, by name. Does not block."""
        ...

    def add_token(self, name: str, scope: Scope) -> tuple[TokenRecord, str]:
        """Make and store a token; return its record, and the token itself, which is kept nowhere.

        Blocks as writes of Previews do. Raises TokenExists, Unavailable.
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
        self, app: str, name: str, variable: Variable, *, only_if: AppSecrets | None = None
    ) -> AppSecrets:
        """Set a variable, and note when. Raises InvalidSettings, NoKey."""
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


class Resolved(NamedTuple):
    """What a label leads to. `kind` is branch, tag or commit; `ref` the branch's or tag's name.

    `committed` is in seconds since the epoch.
    """

    sha: str
    kind: str
    ref: str | None
    author: str
    subject: str
    committed: float


class Ref(NamedTuple):
    """A branch or tag, and the commit it leads to. `kind` is branch or tag.

    `label` addresses it, unless `ambiguous`: then the label could mean other commits too, and only
    the commit's id leads to this one. `committed` is in seconds since the epoch.
    """

    name: str
    kind: str
    label: str
    sha: str
    author: str
    subject: str
    committed: float
    ambiguous: bool = False


class Listing(NamedTuple):
    """The branches and tags of a repository, the newest commit first.

    They were fetched `age` seconds ago, None where that is not known; `problem` says why they could
    not be fetched again since, "" where they need not be, or where that still goes on.
    """

    refs: Sequence[Ref]
    age: float | None
    problem: str = ""


class Commit(NamedTuple):
    """What a commit says of itself. `committed` is in seconds since the epoch.

    Texts are cut where they are long, and may have anything in them but line breaks.
    """

    sha: str
    author: str
    subject: str
    committed: float


class CommitPage(NamedTuple):
    """Some commits, the newest first. `next` is where to go on, None at the end."""

    commits: Sequence[Commit]
    next: str | None


class RepositoryFile(NamedTuple):
    """What is at a path of a commit. `kind` is file, link, folder or submodule."""

    kind: str
    size: int
    data: bytes = b""


class Refs(Protocol):
    """The branches and tags of the apps' repositories, from a bare mirror of each.

    Thread safe. Every call may run git and block: `resolve`, `heads` and `read_file` for as long
    as the repository takes, the others for some seconds.
    """

    def resolve(self, app: AppRecord, label: str) -> Resolved:
        """Return what a label leads to.

        Raises UnknownLabel, AmbiguousLabel, RepositoryUnreachable.
        """
        ...

    def heads(self, app: AppRecord) -> Mapping[str, str | None]:
        """Fetch, and return the commit of every label that is a branch's or tag's slug.

        A label that leads to several commits has None. Raises RepositoryUnreachable.
        """
        ...

    def listing(self, app: AppRecord) -> Listing:
        """Return the branches and tags, fetched within the refs interval where that can be.

        A fetch that takes longer goes on beside the caller, who gets the last known ones. Raises
        RepositoryUnreachable and BeingFetched where there are none yet.
        """
        ...

    def commits(self, app: AppRecord, ref: str, *, limit: int, after: str = "") -> CommitPage:
        """Return at most `limit` commits that a branch, a tag, a label or a commit's id reaches.

        Without `ref` it is the main branch, or else the one with the newest commit.
        `after` is the `next` of the page before. They stay those of the commit that the first page
        began with. Raises UnknownLabel, AmbiguousLabel, UnknownPlace, and what `listing` does.
        """
        ...

    def read_file(self, app: AppRecord, sha: str, path: str, *, most: int) -> RepositoryFile | None:
        """Return what is at `path`, from the repository's root, of a commit; None for nothing.

        What is no file, or has more than `most` bytes, comes without its data. The repository is
        fetched only where the commit is not there yet. Raises UnknownLabel, RepositoryUnreachable.
        """
        ...

    def forget(self, app: str) -> None:
        """Remove the mirror of an app, if there is one."""
        ...


class Sandboxes(Protocol):
    """The output of attempts, read from the sandboxes that the agents keep. Thread safe."""

    def read(self, preview: PreviewRecord, offset: int) -> tuple[bytes, int]:
        """Return what follows byte `offset` of the last attempt's output, and the next offset.

        What is left out of a long log (framework/holes.py) is one line that says so. Returns
        nothing where there is no sandbox, not yet or no longer. Blocks for one HTTP call, and some
        twenty where something is left out.
        Raises Unavailable when the agent does not answer.
        """
        ...

    def tail(self, preview: PreviewRecord, size: int) -> tuple[bytes, int]:
        """Return at most the last `size` bytes, in whole lines, and the offset after them.

        As `read` otherwise.
        """
        ...


class Agents(Protocol):
    """The agents of the cluster. Thread safe."""

    def read(self) -> AgentList:
        """Return every agent that the master knows, as it was within the last seconds.

        Blocks for 10 s at most. Raises Unavailable.
        """
        ...


class Stored(NamedTuple):
    """Everything that the store holds; what cannot be read is not among it.

    But for secrets: of those that cannot be read, `sealed` is empty, which nothing opens.

    `versions` are those of the apps' placements, as ProxyRecord.applied counts them. `forgotten`
    says that there is no framework id because an operator wanted it so.
    """

    apps: Sequence[AppRecord] = ()
    previews: Sequence[PreviewRecord] = ()
    placements: Sequence[PlacementsRecord] = ()
    framework_id: str | None = None
    versions: Mapping[str, int] = MappingProxyType({})
    forgotten: bool = False
    tokens: Sequence[TokenRecord] = ()
    secrets: Sequence[SecretsRecord] = ()


class Vault(Protocol):
    """Seals what nobody may read who sees the store, with keys that are elsewhere."""

    def seal(self, data: bytes) -> str:
        """Return `data` sealed by the first key. Raises NoKey."""
        ...

    def open(self, sealed: str) -> bytes:
        """Return what is in a sealed text. Raises WrongKey."""
        ...

    def is_sealed_by_first(self, sealed: str) -> bool:
        """Tell whether the first key opens a sealed text."""
        ...


class Store(Protocol):
    """The records. One thread, and no other program, writes them.

    Every call blocks for a round trip and raises Unavailable when there was no answer: the write
    may have happened, and the same write again is right. A write of what somebody else has
    changed since it was read raises Superseded.
    """

    def load(self) -> Stored:
        """Read everything anew."""
        ...

    def save(self, record: Record) -> int:
        """Write a record; return its version, which grows by one with each write."""
        ...

    def save_all(self, records: Sequence[Record]) -> None:
        """Write several records in one round trip, all of them or none."""
        ...

    def delete(self, record: Record) -> None:
        """Remove a record; one that is gone already is no error."""
        ...

    def save_framework_id(self, framework_id: str) -> None:
        """Write the Mesos framework id."""
        ...

    def proxies(self) -> Sequence[ProxyRecord]:
        """Return what each live proxy has applied."""
        ...


class Cluster(Protocol):
    """The calls to the Mesos master. Each blocks for at most 10 s.

    Raises Unavailable when nothing was sent or it was refused, OutcomeUnknown when there was no
    answer. Dicts are Mesos v1 JSON.
    """

    def accept(
        self,
        offer_ids: Sequence[str],
        tasks: Sequence[Mapping[str, object]],
        refuse_seconds: float,
    ) -> None:
        """Launch tasks on the resources of offers of one agent."""
        ...

    def decline(self, offer_ids: Sequence[str], refuse_seconds: float) -> None:
        """Give offers back, and ask not to be offered the same for a while."""
        ...

    def revive(self) -> None:
        """Ask for offers, whatever was refused before."""
        ...

    def suppress(self) -> None:
        """Ask for no offers until `revive`."""
        ...

    def kill(self, task_id: str, agent_id: str | None, grace_seconds: float) -> None:
        """Ask for the end of a task; may be lost."""
        ...

    def accept_inverse(self, offer_ids: Sequence[str]) -> None:
        """Agree to leave the agents of inverse offers in time."""
        ...

    def acknowledge(self, status: Mapping[str, object]) -> None:
        """Tell that a status is stored, so that the next one of its task comes."""
        ...

    def reconcile(self, tasks: Sequence[tuple[str, str | None]]) -> None:
        """Ask for the state of tasks (task id, agent id), of all known ones if there are none."""
        ...
