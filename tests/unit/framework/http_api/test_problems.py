from collections.abc import Iterator

import pytest

from framework import errors
from framework.apps import access_errors
from framework.apps.forge_settings import UnknownForgeToken
from framework.apps.receivers import HostNotAllowed, ReceiverExists, UnknownReceiver
from framework.errors import FrameworkError
from framework.gates import errors as gate_errors
from framework.hooks.errors import HookRefused, TooManyHooks
from framework.http_api.http.problems import answer_error
from framework.jobs import errors as job_errors
from framework.people.errors import NoRole, UnknownRole
from framework.ports.forge_errors import ForgeError
from framework.ports.identity_errors import ProviderUnreachable, SignInRefused
from framework.ports.mesos import SandboxGone
from framework.ports.repositories import NotAnAncestor
from framework.pulls.errors import (
    NeedsNoApproval,
    NotApproved,
    NotTheHead,
    OtherRepository,
    UnknownPull,
)
from framework.schedules import errors as schedule_errors
from framework.stacks import errors as stack_errors
from framework.trust import NotTrusted, RecordKind
from framework.visitors import errors as visitor_errors
from prevs import names
from prevs.records import Mistake

ADDRESSES = names.addresses("localhost", 8080)
NOT_FOR_CALLERS = (errors.Fatal, errors.OutcomeUnknown, ForgeError, SandboxGone)
EXAMPLES: list[FrameworkError] = [
    errors.UnknownApp("hello"),
    errors.UnknownLabel("hello", "main", "there is none."),
    errors.UnknownPreview("hello", "a" * 40),
    errors.UnknownAttempt("hello", "a" * 40, 7),
    errors.AppExists("hello"),
    errors.AppChanged("hello"),
    errors.NotOfApp("ci", "hello"),
    errors.AmbiguousLabel("hello", "v1", []),
    errors.NotRetryable("hello", "a" * 40, "running"),
    errors.InvalidSettings([errors.Problem("mem", "is too little")]),
    errors.RepositoryUnreachable("hello", "/srv/x", "it is gone"),
    errors.Unavailable("ZooKeeper"),
    errors.BeingRemoved("hello"),
    errors.BeingFetched("hello"),
    errors.MasterRefuses("10.0.0.1:5050", "/slaves", 403),
    errors.AgentRefuses("10.0.0.2"),
    errors.UnknownToken("deploys"),
    errors.UnknownPlace(),
    errors.TokenExists("deploys"),
    errors.UnknownVariable("hello", "MODE"),
    errors.UnknownCredential("hello"),
    UnknownForgeToken("hello"),
    UnknownReceiver("hello", "hooks.slack.com"),
    HostNotAllowed("evil.example", ("*.example.org",)),
    ReceiverExists("hello", "hooks.slack.com"),
    errors.SecretsChanged("hello"),
    errors.SecretsUnreadable("hello", "no key fits."),
    errors.NoKey(),
    UnknownRole("5c80e7d1"),
    NoRole("@ada", "use of shop"),
    SignInRefused("It is for another client."),
    ProviderUnreachable("https://login.example.org", "cannot be reached"),
    access_errors.UnknownPass("hello", "ci"),
    access_errors.PassExists("hello", "ci"),
    access_errors.IsPublic("hello"),
    access_errors.NoPassword("hello"),
    access_errors.NoSignIn("hello"),
    access_errors.WrongPassword(),
    visitor_errors.SignInNeeded(),
    visitor_errors.SignInEnded(),
    visitor_errors.NotInTeam("ada"),
    visitor_errors.NobodyNamed(),
    visitor_errors.NoProvider(),
    NotApproved("hello", 7, "a" * 40, "It waits for an approval."),
    OtherRepository("hello", "It is another one."),
    UnknownPull("hello", 7),
    NotTheHead("hello", 7, "a" * 40),
    NeedsNoApproval("hello", 7, "It needs none."),
    HookRefused(),
    TooManyHooks("hello", 10),
    job_errors.UnknownJob("hello", "a" * 16),
    job_errors.UnknownJobName("hello", "main", "reprot", ["report"]),
    job_errors.NoArtifactsYet("hello", "a" * 16, "running"),
    job_errors.UnknownArtifact("hello", "a" * 16, "report.csv"),
    job_errors.ArtifactsGone("hello", "a" * 16, "The agent has removed it."),
    job_errors.UnknownJobAttempt("hello", "a" * 16, 2),
    job_errors.HasEnded("hello", "a" * 16, "failed"),
    job_errors.NotEnded("hello", "a" * 16, "running"),
    job_errors.NoResult("hello", "a" * 16, "running"),
    job_errors.NotRunning("hello", "a" * 16, "failed"),
    job_errors.PayloadGone("hello", "a" * 16),
    job_errors.TooManyJobs(10_000),
    job_errors.CommitSettingsInvalid("hello", "main", "It has a mistake.", [Mistake(1, "no")]),
    job_errors.NeedsAdmin("ci", "command", "`command` is for admins"),
    job_errors.KeyOfAnotherOrder("hello", "a" * 16),
    NotAnAncestor("hello", "v1", "main", None, next_step="Swap them."),
    schedule_errors.UnknownSchedule("hello", "nightly"),
    schedule_errors.ScheduleOfFile("hello", "nightly", "main"),
    schedule_errors.TooManySchedules("hello", 100),
    gate_errors.UnknownGate("api"),
    gate_errors.UnknownRevision("api", 7, [2, 1]),
    gate_errors.UnknownRule("the path /v1", "/"),
    gate_errors.WeightRefused("pr-7", "may have 10 at most: other targets have the rest"),
    gate_errors.GateChanged("api"),
    gate_errors.RevisionChanged("api", 8, "ada"),
    gate_errors.TargetFailed("api", "v2 cannot be built."),
    gate_errors.TooManyGates(1000),
    gate_errors.NameOfGate("api", "shop", "shop"),
    stack_errors.UnknownStack("shop"),
    stack_errors.UnknownVariant("shop", "feature-x", ["feature-y"]),
    stack_errors.ProxyBehind("shop", "feature-x"),
    stack_errors.NothingToOpen("shop", "feature-x"),
    stack_errors.TooManyStacks(100),
    stack_errors.TooManyVariants("shop", 50),
    stack_errors.GateOfStack("cart-shop", "shop"),
    stack_errors.InstanceOfVariant("cart-shop", "shop", "feature-x"),
    stack_errors.AppOfStack("cart-shop", "shop"),
    NotTrusted(RecordKind.GATE, "api"),
]


def leaves(cls: type[FrameworkError]) -> Iterator[type[FrameworkError]]:
    for sub in cls.__subclasses__():
        if not issubclass(sub, NOT_FOR_CALLERS):
            yield from leaves(sub)
            if "__init__" in vars(sub):
                yield sub


def test_every_error_that_a_caller_can_cause_has_an_example() -> None:
    assert {type(example) for example in EXAMPLES} == set(leaves(FrameworkError))


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_every_error_is_a_problem_with_its_sentence(error: FrameworkError) -> None:
    answer = answer_error(error, ADDRESSES)
    assert 400 <= answer.status_code < 600
    assert answer.status_code != 500
    assert str(error).encode() in bytes(answer.body).replace(b'\\"', b'"')
    assert b'"type": "urn:prevs:problem:' in bytes(answer.body)
