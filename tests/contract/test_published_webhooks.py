"""Every webhook of GitHub that its people have published, signed, at our API; and forks."""

import copy
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any

import jsonschema_rs
import pytest

from framework.apps.app_secrets import AppSecrets, with_hook_secret
from framework.forges.registry import SCHEMES
from framework.hooks.signatures import Delivery, Verdict, judge
from prevs.hooks import is_passed_on
from prevs.records import AppRecord
from tests.fakes.asgi import OF_PROXIES, ApiInProcess
from tests.published import MODULES

pytestmark = [pytest.mark.contract, pytest.mark.daemons]

SECRET, OTHER = "the secret of this app", "a secret of another one"
DECOYS = ("nobody knows this one", "nobody knows it either")
EVENTS = {"pull_request", "push", "issue_comment", "ping"}

Payload = Mapping[str, Any]


def read(package: str, file: str) -> Any:
    return json.loads((MODULES / "@octokit" / package / file).read_bytes())


@pytest.fixture(scope="module")
def examples() -> list[tuple[str, Payload]]:
    """All examples with the names of their events."""
    events = read("webhooks-examples", "api.github.com/index.json")
    return [(event["name"], example) for event in events for example in event["examples"]]


@pytest.fixture(scope="module")
def schema() -> Payload:
    found: Payload = read("webhooks-schemas", "schema.json")
    return found


@pytest.fixture
def api() -> ApiInProcess:
    """The API, with an app that has a secret."""
    api = ApiInProcess()
    api.previews.add_app(AppRecord("hello", "/srv/hello"))
    api.previews.given["hello"] = with_hook_secret(AppSecrets("hello"), SECRET)
    return api


def sign(body: bytes, secret: str = SECRET) -> Mapping[str, str]:
    """Return the header of GitHub that proves a secret."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"x-hub-signature-256": f"sha256={digest}"}


def judge_with(secrets: Sequence[str], delivery: Delivery) -> Verdict:
    return judge(delivery, SCHEMES, secrets=secrets, decoys=DECOYS, now=0.0)


def deliver(api: ApiInProcess, event: str, body: bytes) -> int:
    """Deliver a body as a proxy passes on what GitHub sends; return the status of the answer."""
    sent = {
        "user-agent": "GitHub-Hookshot/044aadd",
        "content-type": "application/json",
        "x-github-event": event,
        "x-github-delivery": hashlib.sha256(body).hexdigest()[:36],
        **sign(body),
    }
    headers = {name: value for name, value in sent.items() if is_passed_on(name)}
    headers["authorization"] = f"Bearer {OF_PROXIES}"
    api.clock.pass_seconds(1.0)
    answer = api.send("POST", "/v1/apps/hello/hooks", content=body, headers=headers)
    return answer.status_code


def write(payload: Payload) -> bytes:
    """Return a payload as GitHub writes it: without spaces, in UTF-8."""
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()


def test_every_published_webhook_is_taken_if_it_is_signed_with_the_secret(
    api: ApiInProcess, examples: list[tuple[str, Payload]]
) -> None:
    assert {name for name, _ in examples} >= EVENTS
    assert {deliver(api, name, write(example)) for name, example in examples} == {202}
    assert len(api.nudged) == len(examples) > 300


def test_a_published_webhook_is_refused_if_its_signature_does_not_fit(
    examples: list[tuple[str, Payload]],
) -> None:
    for _, example in examples:
        body = write(example)
        headers = sign(body)
        refused = [
            judge_with((OTHER,), Delivery(headers, body)),
            judge_with((SECRET,), Delivery(headers, body[:-1])),
            judge_with((SECRET,), Delivery(sign(body, OTHER), body)),
            judge_with((), Delivery(headers, body)),
            judge_with((SECRET,), Delivery({}, body)),
        ]
        assert not any(one.is_authentic for one in refused)
        assert judge_with((SECRET,), Delivery(headers, body)).is_authentic


def test_a_webhook_about_a_fork_is_a_nudge_like_any_other(
    api: ApiInProcess, examples: list[tuple[str, Payload]], schema: Payload
) -> None:
    """None of the examples is of a fork; these agree with GitHub's schema."""
    check = jsonschema_rs.Draft7Validator({"$ref": "#/definitions/pull_request_event", **schema})
    opened = next(
        example
        for name, example in examples
        if name == "pull_request" and example["action"] == "opened" and check.is_valid(example)
    )
    forks = [copy.deepcopy(opened) for _ in range(2)]
    forks[0]["pull_request"]["head"]["repo"] = None
    forks[1]["pull_request"]["head"]["repo"] |= {"id": 1, "fork": True, "full_name": "eve/shop"}
    for fork in forks:
        check.validate(fork)
        assert deliver(api, "pull_request", write(fork)) == 202
    assert api.nudged == ["hello"] * 2
