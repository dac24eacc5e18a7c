"""Every "no" of the framework, as one family; each carries the fields that a caller needs.

FrameworkError
├── NotFound: UnknownApp, UnknownLabel, UnknownPreview
├── Conflict: AppExists, AmbiguousLabel, NotRetryable
├── InvalidSettings          all problems at once
├── RepositoryUnreachable
└── Unavailable              ZooKeeper or the service cannot answer now; the same call may later

framework/http_problems.py maps each to problem+json; nothing else knows HTTP.
"""

from collections.abc import Sequence
from typing import NamedTuple


class FrameworkError(Exception):
    """A request that the framework cannot do; str() is a sentence that a person can act on."""


class NotFound(FrameworkError):
    """What was named does not exist."""


class Conflict(FrameworkError):
    """What was asked contradicts what is there."""


class UnknownApp(NotFound):
    """No app of that name."""

    def __init__(self, app: str) -> None:
        super().__init__(f"There is no app {app!r}. `prevs app ls` lists the apps.")
        self.app = app


class UnknownLabel(NotFound):
    """A label that leads to no commit of the app; `why` is the second half of the sentence."""

    def __init__(self, app: str, label: str, why: str) -> None:
        super().__init__(f"{label!r} leads to no commit of {app!r}: {why}")
        self.app = app
        self.label = label


class UnknownPreview(NotFound):
    """No preview of that commit was ever asked for."""

    def __init__(self, app: str, sha: str) -> None:
        super().__init__(
            f"{app!r} has no preview of {sha}. Open its address, or run `prevs start {app} {sha}`."
        )
        self.app = app
        self.sha = sha


class AppExists(Conflict):
    """An app of that name is there already, with other settings."""

    def __init__(self, app: str) -> None:
        super().__init__(f"An app {app!r} exists already. Change it with PATCH /v1/apps/{app}.")
        self.app = app


class Candidate(NamedTuple):
    """One of the commits that an ambiguous label may mean. `kind` is branch, tag or commit."""

    sha: str
    kind: str
    ref: str | None
    subject: str


class AmbiguousLabel(Conflict):
    """A label that leads to several commits."""

    def __init__(self, app: str, label: str, candidates: Sequence[Candidate]) -> None:
        super().__init__(
            f"{label!r} could mean {len(candidates)} commits of {app!r}: "
            f"{', '.join(c.sha[:12] for c in candidates)}. Use more digits of the one you mean."
        )
        self.app = app
        self.label = label
        self.candidates = tuple(candidates)


class NotRetryable(Conflict):
    """A retry of a preview that has not failed."""

    def __init__(self, app: str, sha: str, state: str) -> None:
        super().__init__(f"{sha[:7]} of {app!r} is {state}; only a failed preview can be retried.")
        self.app = app
        self.sha = sha
        self.state = state


class Problem(NamedTuple):
    """What is wrong with one setting."""

    field: str
    message: str


class InvalidSettings(FrameworkError):
    """Settings that cannot be taken, with every problem that they have."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(f"{p.field}: {p.message}" for p in problems))
        self.problems = tuple(problems)


class RepositoryUnreachable(FrameworkError):
    """git could not read the repository; `why` is git's own last line."""

    def __init__(self, app: str, repository: str, why: str) -> None:
        super().__init__(f"The repository of {app!r} cannot be read ({repository}): {why}")
        self.app = app
        self.repository = repository


class Unavailable(FrameworkError):
    """A part that is needed for the answer does not answer now."""

    def __init__(self, part: str) -> None:
        super().__init__(f"{part} does not answer now. Try again in some seconds.")
        self.part = part
