"""Every reason why a command fails, each with the next step.

CliError
├── BadCredentials     no API is known, or the credentials file cannot be used
├── ApiUnreachable     nothing answers at its address, or the connection broke
├── ApiConfused        something answers that is not prevs
├── ApiRefused         the API answered with a problem
├── PreviewFailed      a preview failed or stopped before it ran
└── NotDone            any other failure
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

NEXT_STEPS = {
    "unavailable": "If the cluster is on this machine, `prevs local status` shows what runs.",
    "unauthorized": "Sign in again with `prevs login`, or set PREVS_TOKEN to a token of the API. "
    "`prevs local up` saves one; elsewhere, the owner of an admin token creates one with `prevs "
    "token add`.",
    "forbidden": "Set PREVS_TOKEN to a token with more rights. The owner of an admin token creates "
    "one (`prevs token add NAME --scope {needed}`), or gives you a role (`prevs role add`).",
    "not-of-app": "Set PREVS_TOKEN to a token for this app; `prevs app ls` lists the apps that the "
    "current one sees.",
    "too-many-requests": "Wait a moment, and send fewer requests: `prevs events -f` gets all "
    "events in one.",
    "unknown-place": "The list has changed meanwhile. Run the command again.",
    "app-changed": "Somebody has changed it meanwhile. Look at it again: `prevs app show {app}`.",
    "revision-changed": "`prevs gate show {name} --json` prints a new FILE. Without `revision` in "
    "it, FILE is written over any revision.",
    "secrets-changed": "Somebody has changed them meanwhile. Look at them again: "
    "`prevs env ls {app}`.",
    "not-found": "PREVS_API must be the framework's own address, not a proxy's. If it is, the "
    "framework may be older than this command; `prevs doctor` compares their versions.",
    "token-exists": "`prevs token rm NAME` removes one.",
    "unknown-token": "`prevs token ls` lists the tokens.",
    "app-exists": "`prevs app set {app}` changes it.",
    "repository-unreachable": "Check that the framework's machine can read it. "
    "`prevs app set {app} --repository …` changes its address.",
    "unknown-label": "A branch or tag must be pushed before it has an address.",
}

REACH_STEP = (
    "Start prevs on this machine with `prevs local up`, or set PREVS_API to the API's address."
)
_TLS_STEP = (
    "Set REQUESTS_CA_BUNDLE to a file with the certificate of its authority, or set PREVS_API to "
    "the name in its certificate (with http:// if it has none)."
)
_WRONG_USE = {"invalid-settings", "invalid-request"}


class CliError(Exception):
    """Why a command failed. `hint` is the next step, or empty; str() is what failed."""

    status = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class BadCredentials(CliError):
    """The address or the token of the API is not known."""


class Failure(NamedTuple):
    """Why there was no answer at an address; `is_tls` is True if TLS failed."""

    address: str
    why: str
    is_tls: bool = False


class ApiUnreachable(CliError):
    """Nothing answered at any address of `tried`; the same call may work later."""

    def __init__(self, *tried: Failure) -> None:
        reasons = "; ".join(f"{one.address}: {one.why}" for one in tried)
        [first, *more] = tried
        super().__init__(
            f"No address of the API answers: {reasons}."
            if more
            else f"The API at {first.address} does not answer: {first.why}.",
            _TLS_STEP
            if all(one.is_tls for one in tried)
            else f"{REACH_STEP} `prevs doctor` checks every part.",
        )
        self.tried = tried


class ApiConfused(CliError):
    """The server that answered at `address` is not the API of prevs."""

    def __init__(self, address: str, why: str) -> None:
        super().__init__(
            f"The server at {address} is not the API of prevs: {why}.",
            "Set PREVS_API to the API's address.",
        )
        self.address = address


class Problem(NamedTuple):
    """An answer of type application/problem+json; `slug` is the stable part of its type.

    `retry_after` is in seconds, None if the answer has none.
    """

    slug: str
    http_status: int
    title: str
    detail: str
    fields: Mapping[str, Any]
    retry_after: float | None = None


class ApiRefused(CliError):
    """The API refused. An invalid setting is wrong use (status 2)."""

    def __init__(self, problem: Problem, hint: str = "") -> None:
        known = NEXT_STEPS.get(problem.slug, "")
        named = {"app": "NAME", "needed": "use", **problem.fields}
        # The detail is about headers, or details() lists the problems, so the title is better.
        by_title = problem.slug == "unauthorized" or "problems" in problem.fields
        message = f"{problem.title.rstrip('.')}." if by_title else problem.detail
        super().__init__(message, hint or known.format_map(named))
        self.problem = problem
        self.wanted = str(problem.fields.get("label", ""))
        """The name that the person gave for the refused label."""
        self.status = 2 if problem.slug in _WRONG_USE else 1

    def details(self) -> Sequence[str]:
        """Return a line for each problem of a setting, or for each commit a label may mean.

        Problems are those of the request, or mistakes in the settings of a commit.
        """
        fields = self.problem.fields
        lines = [f"{one['field']}: {one['message']}" for one in fields.get("problems", ())]
        lines += [f"line {one['line']}: {one['message']}" for one in fields.get("mistakes", ())]
        meant = fields.get("candidates", ()) if self.problem.slug == "ambiguous-label" else ()
        for one in meant:
            ref = one.get("ref") or one.get("kind", "")
            lines.append(f"{one['sha'][:12]} {ref} {one.get('subject', '')}")
        return lines


class PreviewFailed(CliError):
    """A preview does not run; `log_tail` is the end of its attempt's log.

    `mistakes` are lines about the mistakes in its commit's settings.
    """

    def __init__(
        self, message: str, hint: str, log_tail: str = "", mistakes: Sequence[str] = ()
    ) -> None:
        super().__init__(message, hint)
        self.log_tail = log_tail
        self.mistakes = mistakes


class NotDone(CliError):
    """A command failed for a reason of its own."""
