"""All errors of the framework, as one family; each has the fields that a caller needs.

FrameworkError
├── NotFound: UnknownApp, UnknownLabel, UnknownRef, UnknownPreview, UnknownAttempt, UnknownToken,
│             UnknownPlace, UnknownVariable, UnknownCredential, UnknownData
├── NotOfApp                 a token for one app was used for another, or for all
├── Conflict: AppExists, AppChanged, AmbiguousLabel, NotRestartable, NotRetryable, TokenExists,
│             SecretsChanged, SecretsUnreadable, NoKey, CopyOfItself
├── InvalidSettings          all problems at once
├── RepositoryUnreachable
├── Unavailable              ZooKeeper or the service cannot answer now; the call may work later
│   ├── BeingRemoved
│   ├── BeingFetched
│   └── NotAllowed           Mesos does not let this framework read it: AgentRefuses, MasterRefuses
├── OutcomeUnknown           a call that Mesos may or may not have received
└── Fatal                    the program must end; somebody starts it again or looks at it
    ├── Superseded: another framework writes the records
    ├── SessionLost: ZooKeeper has forgotten this session
    ├── Refused: Mesos does not accept this framework
    ├── Unauthorized: Mesos does not accept its credentials
    ├── FailedOver: another process leads
    ├── Removed: an operator has removed the framework from Mesos
    └── ForeignState: what is in ZooKeeper belongs to something else, or OtherSettings

framework/http_api/http/problems.py maps each to problem+json; no other module maps them to HTTP.
"""

from collections.abc import Sequence
from typing import NamedTuple

from framework.meanings import Meaning, Suggestion


class FrameworkError(Exception):
    """A request that the framework cannot fulfil; str() is a sentence that a person can act on."""


class NotFound(FrameworkError):
    """The named thing does not exist."""


class Conflict(FrameworkError):
    """The request contradicts what is there."""


class NotOfApp(FrameworkError):
    """The request is not about the one app of its token. Reveals nothing about other apps."""

    def __init__(self, token: str, app: str) -> None:
        super().__init__(
            f"The token {token!r} is only for the app {app!r}, and this is not about that app. "
            "Anybody with an admin token can make one for other apps, or for all."
        )
        self.app = app


class UnknownApp(NotFound):
    """No app of that name."""

    def __init__(self, app: str) -> None:
        super().__init__(f"There is no app {app!r}. `prevs app ls` lists the apps.")
        self.app = app


class UnknownLabel(NotFound):
    """A label that leads to no commit; `why` is half a sentence, `meant` are suggestions."""

    def __init__(self, app: str, label: str, why: str, meant: Sequence[Suggestion] = ()) -> None:
        super().__init__(f"{label!r} leads to no commit of {app!r}: {why}")
        self.app = app
        self.label = label
        self.meant = tuple(meant)


class UnknownRef(NotFound):
    """A repository that is no app's has no such branch, tag or commit; `why` is half a sentence."""

    def __init__(self, ref: str, why: str) -> None:
        super().__init__(f"The repository has no {ref or 'branch yet'}: {why}")
        self.ref = ref


class UnknownPreview(NotFound):
    """Nobody has ever requested a preview of that commit."""

    def __init__(self, app: str, sha: str) -> None:
        super().__init__(
            f"{app!r} has no preview of {sha}. Open its address, or run `prevs start {app} {sha}`."
        )
        self.app = app
        self.sha = sha


class UnknownAttempt(NotFound):
    """No attempt of that number is known: a preview keeps only its last few."""

    def __init__(self, app: str, sha: str, attempt: int) -> None:
        super().__init__(
            f"Attempt {attempt} of {sha[:7]} of {app!r} is not known. "
            f"`prevs show {app} {sha[:12]}` lists the known ones."
        )
        self.app, self.sha, self.attempt = app, sha, attempt


class AppExists(Conflict):
    """An app of that name exists already, with other settings."""

    def __init__(self, app: str) -> None:
        super().__init__(
            f"App {app!r} already exists, with other settings. `prevs app set {app}` changes them."
        )
        self.app = app


class AppChanged(Conflict):
    """A change of an app that somebody else has changed meanwhile."""

    def __init__(self, app: str) -> None:
        super().__init__(
            f"Somebody changed {app!r} meanwhile. Read it again first (GET /v1/apps/{app})."
        )
        self.app = app


class UnknownToken(NotFound):
    """No token of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no token {name!r}. GET /v1/tokens lists the tokens.")
        self.name = name


class UnknownPlace(NotFound):
    """A place in a list that is not the `next` of an answer of this list."""

    def __init__(self) -> None:
        super().__init__(
            "`after` is not the `next` of an answer of this list. Leave it out to start again."
        )


class TokenExists(Conflict):
    """A name that another token has, or that is reserved for the operator's or the proxies'."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The name {name!r} is taken. Choose another one, or remove the token that has it "
            "(DELETE /v1/tokens/NAME)."
        )
        self.name = name


class UnknownVariable(NotFound):
    """No variable of that name is set for the app."""

    def __init__(self, app: str, name: str) -> None:
        super().__init__(f"{app!r} has no variable {name!r}. `prevs env ls {app}` lists them.")
        self.app = app
        self.name = name


class UnknownCredential(NotFound):
    """The app has no credential."""

    def __init__(self, app: str) -> None:
        super().__init__(
            f"{app!r} has no credential: its repository is read without one. "
            f"`prevs credential set {app}` sets one."
        )
        self.app = app


class SecretsChanged(Conflict):
    """A change of variables or a credential that somebody else has changed meanwhile."""

    def __init__(self, app: str) -> None:
        super().__init__(
            f"Somebody changed the variables or the credential of {app!r} meanwhile. Read them "
            f"again first (GET /v1/apps/{app}/environment, /v1/apps/{app}/credential)."
        )
        self.app = app


class NoKey(Conflict):
    """There is no key to seal secrets with."""

    def __init__(self) -> None:
        super().__init__(
            "This framework has no key to seal variables, credentials and passwords with, and "
            "stores none in the clear. Make a key (`prevs key > FILE`), name the file in "
            "PREVS_KEY_FILE of every framework, and restart them."
        )


class WrongKey(Exception):
    """A sealed text that no key here opens; `why` is a sentence that begins with a small letter.

    Callers of the API get SecretsUnreadable instead.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class SecretsUnreadable(Conflict):
    """What an app is given is stored, but cannot be opened; `why` as in WrongKey."""

    def __init__(self, app: str, why: str) -> None:
        super().__init__(
            f"The variables and the credential of {app!r} cannot be opened: {why} The operator "
            "must put the key that sealed them into PREVS_KEY_FILE of every framework and restart "
            f"those, or remove them (`prevs env unset {app} --all`) and set them again."
        )
        self.app = app


class AmbiguousLabel(Conflict):
    """A label that leads to several commits."""

    def __init__(self, app: str, label: str, candidates: Sequence[Meaning]) -> None:
        super().__init__(
            f"{label!r} could mean {len(candidates)} commits of {app!r}: "
            f"{', '.join(c.sha[:12] for c in candidates)}. Use more digits of the one you mean."
        )
        self.app = app
        self.label = label
        self.candidates = tuple(candidates)


class UnknownData(NotFound):
    """A branch of an app has no data."""

    def __init__(self, app: str, branch: str) -> None:
        super().__init__(
            f"The branch {branch!r} of {app!r} has no data: no preview has run with any. "
            f"`prevs data ls {app}` lists the branches that have some."
        )
        self.app = app
        self.branch = branch


class CopyOfItself(Conflict):
    """The data of a branch were to be copied to the same branch."""

    def __init__(self, branch: str) -> None:
        super().__init__(
            f"{branch!r} is the source and the target: name another branch, or reset its data."
        )
        self.branch = branch


class NotRetryable(Conflict):
    """A retry of a preview that has not failed."""

    def __init__(self, app: str, sha: str, state: str) -> None:
        super().__init__(f"{sha[:7]} of {app!r} is {state}; only a failed preview can be retried.")
        self.app = app
        self.sha = sha
        self.state = state


class NotRestartable(Conflict):
    """A restart of a preview that has no attempt to end."""

    def __init__(self, app: str, sha: str, state: str) -> None:
        super().__init__(
            f"{sha[:7]} of {app!r} is {state}; only a preview that runs, or is about to, can be "
            "restarted. Retry one that has failed; start one that is stopped."
        )
        self.app = app
        self.sha = sha
        self.state = state


class Problem(NamedTuple):
    """What is wrong with one setting."""

    field: str
    message: str


class InvalidSettings(FrameworkError):
    """Settings that cannot be used, with all their problems."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(f"{p.field}: {p.message}" for p in problems))
        self.problems = tuple(problems)


class RepositoryUnreachable(FrameworkError):
    """git could not read the repository; `why` is git's last line. One may be of no `app`."""

    def __init__(self, app: str, repository: str, why: str) -> None:
        whose = f"The repository of {app!r}" if app else "The repository"
        super().__init__(f"{whose} cannot be read ({repository}): {why}")
        self.app = app
        self.repository = repository


class Unavailable(FrameworkError):
    """A part that the answer needs does not answer now."""

    def __init__(self, part: str) -> None:
        super().__init__(f"{part} does not answer now. Try again in a few seconds.")
        self.part = part


class NotAllowed(Unavailable):
    """Mesos does not let this framework read something: trying again does not help."""


class AgentRefuses(NotAllowed):
    """An agent does not let this framework read the sandboxes of its executors."""

    def __init__(self, agent: str) -> None:
        super().__init__(f"The agent {agent}")
        self.args = (
            f"The agent {agent} does not let this framework read its logs: the operator must "
            "give it a principal that may read them (PREVS_AGENTS_PRINCIPAL).",
        )
        self.agent = agent


class MasterRefuses(NotAllowed):
    """The Mesos master does not let this framework read something of its operator API."""

    def __init__(self, master: str, path: str, status: int) -> None:
        super().__init__(f"The Mesos master {master}")
        self.args = (
            f"The Mesos master {master} does not let this framework read {path} ({status}): the "
            "operator must set PREVS_PRINCIPAL to one that may read it.",
        )


class BeingRemoved(Unavailable):
    """An app of that name is still being removed."""

    def __init__(self, app: str) -> None:
        super().__init__(f"The removal of {app!r}")
        self.args = (f"{app!r} is still being removed. Try again in a few seconds.",)
        self.app = app


class BeingFetched(Unavailable):
    """The repository of an app is being fetched for the first time, which takes a while."""

    def __init__(self, app: str) -> None:
        super().__init__(f"The repository of {app!r}")
        self.args = (
            f"The repository of {app!r} is being fetched for the first time. "
            "Try again in a few seconds.",
        )
        self.app = app


class OutcomeUnknown(FrameworkError):
    """A call to Mesos without an answer: Mesos may have carried it out. Do not send it again."""

    def __init__(self, call: str, why: str) -> None:
        super().__init__(f"Mesos has not answered {call}: {why}")
        self.call = call


class Fatal(FrameworkError):
    """The program cannot continue. `exit_code` is for the supervisor and the operator."""

    exit_code = 1


class Superseded(Fatal):
    """Somebody else has changed a record: another framework leads at this root."""

    exit_code = 5

    def __init__(self, path: str) -> None:
        super().__init__(
            f"Another program wrote {path}: another framework leads now. "
            "A restart reads everything again."
        )
        self.path = path


class SessionLost(Fatal):
    """ZooKeeper has ended the session: what this process knows may be outdated."""

    exit_code = 4

    def __init__(self) -> None:
        super().__init__("The ZooKeeper session is lost; a restart reads everything again.")


class Refused(Fatal):
    """Mesos does not accept this framework, for example its role."""

    exit_code = 3

    def __init__(self, why: str) -> None:
        super().__init__(f"Mesos refused this framework: {why}")
        self.why = why


class Unauthorized(Fatal):
    """Mesos does not accept this framework's credentials, and never did."""

    exit_code = 9


class FailedOver(Fatal):
    """Another process has taken over this framework's id; that is how leadership moves."""

    exit_code = 6

    def __init__(self, why: str) -> None:
        super().__init__(f"Another framework leads now: {why}")


class Removed(Fatal):
    """An operator tore the framework down. It does not register under a new id by itself."""

    exit_code = 7

    def __init__(self, why: str) -> None:
        super().__init__(
            f"This framework was removed from Mesos, and its tasks with it: {why} "
            "For a new id, run `python -m framework --forget id`; what ran starts again."
        )


class ForeignState(Fatal):
    """What is at our root in ZooKeeper is not ours to change."""

    exit_code = 8

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path} in ZooKeeper {why}")
        self.path = path


class OtherSettings(ForeignState):
    """The records belong to frameworks with other settings, perhaps on another cluster."""

    exit_code = 10
