"""executor/attempt/health.py: when an application is healthy, and why it is not."""

import re

import pytest

from executor.attempt.health import HealthCheck
from executor.errors import NeverListened, NotServing, Unhealthy
from executor.ports import Answer
from prevs.commit_settings import HealthKind

REFUSED = Answer(connected=False)
SILENT = Answer(connected=True, problem="it did not answer within 10 s")


def checking() -> HealthCheck:
    return HealthCheck("/health", 8080, began=100.0, limit=60.0)


@pytest.mark.parametrize(
    ("status", "healthy"),
    [
        *[(200, True), (204, True), (302, True), (399, True)],
        *[(None, False), (101, False), (400, False), (404, False), (500, False), (503, False)],
    ],
)
def test_only_2xx_and_3xx_pass(status: int | None, healthy: bool) -> None:
    assert checking().passes(Answer(connected=True, status=status)) == healthy


@pytest.mark.parametrize(("status", "healthy"), [(None, False), (200, False), (401, True)])
def test_only_the_configured_statuses_pass(status: int | None, healthy: bool) -> None:
    known = checking()._replace(statuses=(204, 401))
    assert known.passes(Answer(connected=True, status=status)) == healthy


def test_the_error_of_an_unhealthy_one_names_the_statuses_that_pass() -> None:
    known = checking()._replace(statuses=(204, 401)).after(Answer(True, 200))
    assert "Make it answer 204 or 401" in str(known.failure())


def test_an_application_that_no_check_reached_never_listened() -> None:
    failure = checking().after(REFUSED).failure()
    assert isinstance(failure, NeverListened)
    assert "port 8080" in str(failure)
    assert "60 s" in str(failure)


@pytest.mark.parametrize(
    ("answers", "status", "message"),
    [
        ((Answer(True, 500), Answer(True, 503)), 503, "GET /health .* 503"),
        ((Answer(True, 500), SILENT, REFUSED), 500, "500"),
        ((SILENT, REFUSED), None, "it did not answer"),
    ],
    ids=["the last status", "a status, not a later refusal", "a connection, not a later refusal"],
)
def test_the_most_informative_answer_is_the_reason_for_unhealthy(
    answers: tuple[Answer, ...], status: int | None, message: str
) -> None:
    known = checking()
    for answer in answers:
        known = known.after(answer)
    failure = known.failure()
    assert isinstance(failure, Unhealthy)
    assert failure.status == status
    assert re.search(message, str(failure))


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (HealthKind.GUESSED, "Waiting for GET /health to answer"),
        (HealthKind.HTTP, "Waiting for GET /health to answer"),
        (HealthKind.GRPC, "Waiting for its gRPC health service to answer SERVING"),
        (HealthKind.TCP, "Waiting for port 8080 to take a connection"),
    ],
)
def test_the_goal_of_a_check_is_named(kind: HealthKind, words: str) -> None:
    assert checking()._replace(kind=kind).goal == words


@pytest.mark.parametrize("passed", [True, False])
def test_a_check_that_decides_by_itself_is_believed(passed: bool) -> None:
    assert checking().passes(Answer(True, passed=passed)) is passed


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        (
            HealthKind.GUESSED,
            Answer(True, passed=False, problem="its health service answers UNKNOWN"),
        ),
        (HealthKind.GRPC, Answer(True, problem="it does not speak HTTP/2")),
    ],
)
def test_the_error_of_a_check_over_grpc_names_grpc(kind: HealthKind, answer: Answer) -> None:
    known = checking()._replace(kind=kind).after(answer).after(REFUSED)
    failure = known.failure()
    assert isinstance(failure, NotServing)
    assert f"The gRPC health check did not succeed within 60 s: {answer.problem}." in str(failure)


@pytest.mark.parametrize(("status", "named"), [(400, True), (403, True), (500, False)])
def test_an_answer_that_may_refuse_the_host_names_it(status: int, named: bool) -> None:
    known = checking()._replace(host="main.shop.localhost").after(Answer(True, status=status))
    message = str(known.failure())
    assert ("let it serve main.shop.localhost (Rails: config.hosts" in message) is named
    assert ("`[health] host`" in message) is named


def test_pauses_grow_with_the_time_that_has_passed_and_stay_within_their_bounds() -> None:
    known = checking()
    assert known.pause(100.0) == pytest.approx(0.02)
    assert known.pause(101.0) == pytest.approx(0.1)
    assert known.pause(150.0) == pytest.approx(1.0)


def test_the_last_pause_ends_with_the_limit() -> None:
    assert checking().pause(159.75) == pytest.approx(0.25)
    assert not checking().over(159.75)
    assert checking().over(160.0)
