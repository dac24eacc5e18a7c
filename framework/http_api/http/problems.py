"""Every error as problem+json. This is the one place that knows an error's HTTP status."""

import http
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Match

from framework import errors
from framework.access import Scope
from framework.apps import access_errors
from framework.apps.forge_settings import UnknownForgeToken
from framework.apps.receivers import HostNotAllowed, ReceiverExists, UnknownReceiver
from framework.errors import FrameworkError
from framework.gates import errors as gate_errors
from framework.hooks.errors import HookRefused, TooManyHooks
from framework.http_api.http import field_problems
from framework.jobs import errors as job_errors
from framework.people.errors import UnknownRole
from framework.ports.identity_errors import ProviderUnreachable, SignInRefused
from framework.ports.repositories import NotAnAncestor
from framework.pulls.errors import (
    NeedsNoApproval,
    NotApproved,
    NotTheHead,
    OtherRepository,
    UnknownPull,
)
from framework.schedules.errors import ScheduleOfFile, TooManySchedules, UnknownSchedule
from framework.stacks import errors as stack_errors
from framework.trust import NotTrusted
from framework.visitors import errors as visitor_errors
from prevs import names
from prevs.names import Addresses
from program.git.messages import redact
from program.http.problem_answers import MEDIA_TYPE

_RETRY_AFTER_S = 5


class Kind(NamedTuple):
    """A kind of problem: the end of its type, which never changes, its status and its title."""

    slug: str
    status: int
    title: str


UNAUTHORIZED = Kind("unauthorized", 401, "The token is missing or wrong")
FORBIDDEN = Kind("forbidden", 403, "The token does not allow this")
NOT_OF_APP = Kind("not-of-app", 403, "The token is for one app, and this is not about that app")
INVALID_REQUEST = Kind("invalid-request", 422, "The request cannot be read")
BAD_REQUEST = Kind("invalid-request", 400, INVALID_REQUEST.title)
INVALID_SETTINGS = Kind("invalid-settings", 422, "These settings are not valid")
UNAVAILABLE = Kind("unavailable", 503, "A part that is needed does not answer")
BODY_TOO_LARGE = Kind("body-too-large", 413, "The request's body is too large")
TOO_MANY_REQUESTS = Kind("too-many-requests", 429, "There are too many requests")
KEY_REUSED = Kind("idempotency-key-reused", 422, "The Idempotency-Key belongs to another order")
KEY_IN_USE = Kind("idempotency-key-in-use", 409, "The same order is being done")
INTERNAL_ERROR = Kind("internal-error", 500, "The framework has a fault")
SIGN_IN_REFUSED = Kind("sign-in-refused", 403, "Nobody was signed in")
NOT_FOUND = Kind("not-found", 404, "There is nothing at this path")
METHOD_NOT_ALLOWED = Kind("method-not-allowed", 405, "The path does not allow this method")

_ERRORS: Mapping[type[FrameworkError], Kind] = {
    errors.NotOfApp: NOT_OF_APP,
    errors.UnknownApp: Kind("unknown-app", 404, "There is no such app"),
    errors.UnknownLabel: Kind("unknown-label", 404, "The label leads to no commit"),
    errors.UnknownRef: Kind("unknown-ref", 404, "The repository has no such branch or tag"),
    errors.UnknownPreview: Kind("unknown-preview", 404, "There is no such preview"),
    errors.UnknownAttempt: Kind("unknown-attempt", 404, "There is no such attempt"),
    errors.UnknownToken: Kind("unknown-token", 404, "There is no such token"),
    errors.UnknownVariable: Kind("unknown-variable", 404, "There is no such variable"),
    errors.UnknownCredential: Kind("unknown-credential", 404, "There is no credential"),
    UnknownForgeToken: Kind("unknown-forge-token", 404, "There is no token for the forge"),
    UnknownReceiver: Kind("unknown-receiver", 404, "There is no such receiver of notifications"),
    errors.UnknownPlace: Kind("unknown-place", 404, "The list has no such place"),
    HostNotAllowed: Kind("host-not-allowed", 409, "Notifications may not go to this host"),
    ReceiverExists: Kind("receiver-exists", 409, "A receiver of that name exists"),
    errors.AppExists: Kind("app-exists", 409, "An app of that name exists"),
    errors.AppChanged: Kind("app-changed", 412, "The app has changed since it was read"),
    errors.SecretsChanged: Kind("secrets-changed", 412, "It has changed since it was read"),
    errors.SecretsUnreadable: Kind("secrets-unreadable", 409, "The secrets cannot be opened"),
    errors.NoKey: Kind("no-key", 409, "There is no key to seal secrets with"),
    errors.AmbiguousLabel: Kind("ambiguous-label", 409, "The label could mean several commits"),
    NotAnAncestor: Kind("not-an-ancestor", 409, "No commits lead from the one to the other"),
    errors.UnknownData: Kind("unknown-data", 404, "The branch has no data"),
    errors.CopyOfItself: Kind("copy-of-itself", 409, "Source and target are the same branch"),
    errors.NotRestartable: Kind("not-restartable", 409, "Only a running preview can be restarted"),
    errors.NotRetryable: Kind("not-retryable", 409, "Only a failed preview can be retried"),
    errors.TokenExists: Kind("token-exists", 409, "A token of that name exists"),
    UnknownRole: Kind("unknown-role", 404, "There is no such role"),
    access_errors.UnknownPass: Kind("unknown-pass", 404, "There is no such pass"),
    access_errors.PassExists: Kind("pass-exists", 409, "A pass of that name exists"),
    access_errors.IsPublic: Kind("is-public", 409, "Anybody may look at the app's previews"),
    access_errors.NoPassword: Kind("no-password", 409, "The app has no password"),
    access_errors.NoSignIn: Kind("no-sign-in", 409, "Nobody can sign in"),
    access_errors.WrongPassword: Kind("wrong-password", 403, "The password is wrong"),
    SignInRefused: SIGN_IN_REFUSED,
    ProviderUnreachable: Kind(
        "provider-unreachable", 503, "The identity provider cannot be reached"
    ),
    visitor_errors.SignInNeeded: Kind("sign-in-needed", 403, "You are not signed in"),
    visitor_errors.SignInEnded: Kind("sign-in-ended", 403, "Please sign in again"),
    visitor_errors.NotInTeam: Kind("not-in-team", 403, "You are not in the team"),
    visitor_errors.NobodyNamed: Kind("nobody-named", 409, "Nobody knows who you are"),
    visitor_errors.NoProvider: Kind("no-sign-in", 409, "Nobody can sign in"),
    job_errors.UnknownJob: Kind("unknown-job", 404, "There is no such job"),
    job_errors.UnknownJobName: Kind("unknown-job-name", 404, "The commit has no such job"),
    job_errors.UnknownJobAttempt: Kind("unknown-attempt", 404, "There is no such attempt"),
    job_errors.HasEnded: Kind("job-ended", 409, "The job has ended"),
    job_errors.NotEnded: Kind("job-not-ended", 409, "The job has not ended"),
    job_errors.NotRunning: Kind("job-not-running", 409, "The job does not run"),
    UnknownSchedule: Kind("unknown-schedule", 404, "There is no such schedule"),
    ScheduleOfFile: Kind("schedule-of-file", 409, "The schedule is in the commit's settings"),
    TooManySchedules: Kind("too-many-schedules", 409, "There are too many schedules"),
    gate_errors.UnknownGate: Kind("unknown-gate", 404, "There is no such gate"),
    gate_errors.UnknownRevision: Kind("unknown-revision", 404, "There is no such revision"),
    gate_errors.UnknownRule: Kind("unknown-rule", 404, "The gate has no such rule"),
    gate_errors.WeightRefused: Kind("weight-refused", 409, "The weights do not make 100"),
    gate_errors.GateChanged: Kind("gate-changed", 409, "The gate has changed since it was read"),
    gate_errors.RevisionChanged: Kind(
        "revision-changed", 412, "The gate has another revision than the one that was read"
    ),
    gate_errors.TargetFailed: Kind("target-failed", 409, "What the gate would lead to has failed"),
    gate_errors.TooManyGates: Kind("too-many-gates", 409, "There are too many gates"),
    gate_errors.NameOfGate: Kind("name-of-gate", 409, "A gate has that name"),
    stack_errors.UnknownStack: Kind("unknown-stack", 404, "There is no such stack"),
    stack_errors.UnknownVariant: Kind("unknown-variant", 404, "There is no such open variant"),
    stack_errors.NothingToOpen: Kind("nothing-to-open", 409, "The variant would be the stack"),
    stack_errors.TooManyStacks: Kind("too-many-stacks", 409, "There are too many stacks"),
    stack_errors.TooManyVariants: Kind("too-many-variants", 409, "Too many variants are open"),
    stack_errors.GateOfStack: Kind("gate-of-stack", 409, "The gate follows from a stack"),
    stack_errors.InstanceOfVariant: Kind(
        "instance-of-variant", 409, "The preview is an instance of a variant"
    ),
    stack_errors.AppOfStack: Kind("app-of-stack", 409, "The app is a member of a stack"),
    NotTrusted: Kind("not-trusted", 409, "None of the frameworks' tokens has signed it"),
    job_errors.NoResult: Kind("no-result", 409, "The job has left no result"),
    job_errors.NoArtifactsYet: Kind("job-not-ended", 409, "The job has not ended"),
    job_errors.UnknownArtifact: Kind("unknown-artifact", 404, "The job has left no such file"),
    job_errors.ArtifactsGone: Kind("artifacts-gone", 404, "The files of the job are gone"),
    job_errors.PayloadGone: Kind("payload-gone", 409, "What the job was given is gone"),
    job_errors.TooManyJobs: Kind("too-many-jobs", 409, "There are too many jobs"),
    job_errors.CommitSettingsInvalid: Kind(
        "commit-settings-invalid", 409, "The commit's settings cannot be used"
    ),
    job_errors.NeedsAdmin: FORBIDDEN,
    job_errors.KeyOfAnotherOrder: KEY_REUSED,
    errors.InvalidSettings: INVALID_SETTINGS,
    errors.RepositoryUnreachable: Kind(
        "repository-unreachable", 502, "The repository cannot be read"
    ),
    NotApproved: Kind("not-approved", 403, "The commit of a fork has not been approved"),
    OtherRepository: Kind("other-repository", 409, "Another repository has the app's address"),
    UnknownPull: Kind("unknown-pull", 404, "There is no such open pull request"),
    NotTheHead: Kind("not-the-head", 409, "The commit is not the head of the pull request"),
    NeedsNoApproval: Kind("no-approval", 409, "The pull request cannot be approved"),
    errors.BeingFetched: Kind("reading-repository", 503, "The repository is being read"),
    errors.Unavailable: UNAVAILABLE,
    HookRefused: Kind("hook-refused", 401, "The webhook is not authentic"),
    TooManyHooks: TOO_MANY_REQUESTS,
}
_HEADERS: Mapping[Kind, Mapping[str, str]] = {
    UNAVAILABLE: {"Retry-After": str(_RETRY_AFTER_S)},
    _ERRORS[errors.BeingFetched]: {"Retry-After": str(_RETRY_AFTER_S)},
    TOO_MANY_REQUESTS: {"Retry-After": "1"},
    _ERRORS[HookRefused]: {"WWW-Authenticate": 'Bearer realm="prevs webhooks"'},
}
_STATUSES: Mapping[int, Kind] = {
    400: BAD_REQUEST,
    404: NOT_FOUND,
    405: METHOD_NOT_ALLOWED,
    413: BODY_TOO_LARGE,
}


_FIELDS = (
    *("app", "label", "sha", "state", "name", "attempt", "number", "job_id", "field", "path"),
    *("stack", "variant"),
)
_METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
_OF_ALL_CALLS = (401, 403, 422, 429, 500, 503)


class ProblemResponse(JSONResponse):
    """An answer of type application/problem+json."""

    media_type = MEDIA_TYPE

    def render(self, content: Any) -> bytes:
        """Return JSON in ASCII: text from a client may have characters that UTF-8 cannot encode."""
        return json.dumps(content).encode()


def answer_problem(
    kind: Kind,
    detail: str,
    fields: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> ProblemResponse:
    """Return the answer for a problem; `detail` is a sentence, `fields` are more members."""
    content = {
        "type": f"urn:prevs:problem:{kind.slug}",
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        **(fields or {}),
    }
    return ProblemResponse(content, status_code=kind.status, headers=dict(headers or {}))


def answer_error(error: FrameworkError, addresses: Addresses) -> ProblemResponse:
    """Return the answer for one of our errors. Raises the error if no request causes it."""
    kind = next((_ERRORS[cls] for cls in type(error).__mro__ if cls in _ERRORS), None)
    if kind is None:
        raise error
    fields = _read_fields(error, addresses)
    return answer_problem(kind, str(error), fields, _HEADERS.get(kind))


def answer_not_of_app(error: errors.NotOfApp) -> ProblemResponse:
    """Return the answer to a token for one app that was used for something else."""
    return answer_problem(NOT_OF_APP, str(error), {"app": error.app})


def answer_unavailable(detail: str) -> ProblemResponse:
    """Return the answer for something that is away for some seconds."""
    return answer_problem(UNAVAILABLE, detail, headers={"Retry-After": str(_RETRY_AFTER_S)})


def answer_no_path() -> ProblemResponse:
    """Return the answer for a path that cannot exist."""
    detail = "Nothing can be at such a path. /docs lists all paths."
    return answer_problem(NOT_FOUND, detail)


def answer_no_call(method: str, path: str) -> ProblemResponse:
    """Return the answer for a call of IronWorker that we do not have."""
    detail = f"{method} {path} is not offered here. docs/ironworker.md lists what is."
    return answer_problem(NOT_FOUND, detail)


def document(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the description of a call's problems: `statuses`, and the ones common to all calls.

    A call with a body needs 400 and 413 too, one with an Idempotency-Key 409.
    """
    return {
        status: {
            "description": http.HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": _SCHEMA}},
        }
        for status in sorted({*_OF_ALL_CALLS, *statuses})
    }


def handle_problems(app: FastAPI, addresses: Addresses) -> None:
    """Make `app` answer our errors, and those of FastAPI itself, as problems."""

    async def handle_error(_: Request, error: Exception) -> Response:
        assert isinstance(error, FrameworkError)  # noqa: S101 # registered for these only
        return answer_error(error, addresses)

    handlers: Mapping[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
        FrameworkError: handle_error,
        RequestValidationError: _handle_invalid,
        HTTPException: answer_http,
    }
    for cls, handler in handlers.items():
        app.add_exception_handler(cls, handler)


async def _handle_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 # registered for these only
    found = field_problems.read(error.errors())
    is_settings = request.url.path.startswith("/v1/apps") and any(
        one["loc"][0] == "body" for one in error.errors()
    )
    kind = INVALID_SETTINGS if is_settings else INVALID_REQUEST
    sentence = "; ".join(f"{problem.field}: {problem.message}" for problem in found)
    return answer_problem(kind, sentence, {"problems": [p._asdict() for p in found]})


async def answer_http(request: Request, error: Exception) -> Response:
    """Return the answer to a request that no route takes."""
    assert isinstance(error, HTTPException)  # noqa: S101 # registered for these only
    phrase = http.HTTPStatus(error.status_code).phrase
    slug = phrase.lower().replace(" ", "-")
    kind = _STATUSES.get(error.status_code, Kind(slug, error.status_code, phrase))
    details = {
        404: f"There is nothing at {request.url.path}. /docs lists all paths.",
        405: f"{request.url.path} does not allow {request.method}.",
    }
    headers = {**(error.headers or {})}
    if error.status_code == 405:
        headers["Allow"] = ", ".join(_find_methods(request))
    detail = details.get(error.status_code, error.detail)
    return answer_problem(kind, detail, headers=headers)


def _find_methods(request: Request) -> list[str]:
    """Return the methods of a path. A route knows only its own, so all routes are checked."""
    return [
        method
        for method in _METHODS
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL
            for route in request.app.routes
        )
    ]


def _read_fields(error: FrameworkError, addresses: Addresses) -> dict[str, object]:
    """Return the fields that a client program needs to act on an error."""
    fields: dict[str, object] = {
        name: getattr(error, name) for name in _FIELDS if name in vars(error)
    }
    match error:
        case errors.AmbiguousLabel(app=app, candidates=candidates):
            fields["candidates"] = [
                {**one._asdict(), "url": addresses.url(one.sha, app)} for one in candidates
            ]
        case errors.UnknownLabel(app=app, meant=meant):
            fields["candidates"] = [
                {**one._asdict(), "url": addresses.url(one.label, app)} for one in meant
            ]
        case stack_errors.UnknownVariant(known=known, gate=gate) if gate:
            instances = {one: names.instance_label(one, gate) for one in known}
            fields["candidates"] = [
                {"label": one, "url": addresses.gate_url(at)} for one, at in instances.items()
            ]
        case NotAnAncestor(base=base, ref=ref, common=common):
            fields |= {"from": base, "ref": ref, "common": common}
        case job_errors.UnknownJobName(known=known):
            fields["known"] = list(known)
        case job_errors.CommitSettingsInvalid(mistakes=mistakes):
            fields["mistakes"] = [{"line": one.line, "message": one.message} for one in mistakes]
        case job_errors.NeedsAdmin():
            fields["needed"] = Scope.ADMIN.value
        case errors.InvalidSettings(problems=problems):
            fields["problems"] = [problem._asdict() for problem in problems]
        case errors.RepositoryUnreachable(repository=repository):
            fields["repository"] = redact(repository)
    return fields


_SCHEMA = {
    "title": "Problem",
    "type": "object",
    "description": "RFC 9457, with fields of its own for each type.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "urn:prevs:problem:… and never changes meaning"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "A sentence that a person can act on."},
    },
    "additionalProperties": True,
    "examples": [
        {
            "type": "urn:prevs:problem:unknown-app",
            "title": "There is no such app",
            "status": 404,
            "detail": "There is no app 'helo'. `prevs app ls` lists the apps.",
            "app": "helo",
        }
    ],
}
