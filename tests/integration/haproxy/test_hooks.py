"""Webhooks through a real HAProxy and proxy to the framework's own application."""

import hashlib
import hmac
from collections.abc import Iterator, Mapping

import pytest

from framework.apps.app_secrets import AppSecrets, with_hook_secret
from prevs.hooks import LONGEST
from proxy.room.hooks import FORGED
from tests.fakes.placements import SHA, placement
from tests.integration.haproxy.proxies import Answer, Site, upstream

pytestmark = pytest.mark.integration

SECRET = "a secret of the forge"
BODY = b'{"ref": "refs/heads/main"}'
CALL = "POST /v1/apps/hello/hooks"


@pytest.fixture
def site(site: Site) -> Iterator[Site]:
    """The file's proxy; the app hello has a webhook secret, and bare has none."""
    site.world.add("hello", "main", SHA)
    site.world.add("bare", "main", SHA)
    site.world.known.given["hello"] = with_hook_secret(AppSecrets("hello"), SECRET)
    site.world.api.clock.pass_seconds(10.0)  # a test's webhooks count for no other test
    yield site
    site.world.api.nudged.clear()


def sign(body: bytes = BODY, secret: str = SECRET) -> Mapping[str, str]:
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"X-Hub-Signature-256": f"sha256={digest}", "X-GitHub-Event": "push"}


def deliver(
    site: Site,
    headers: Mapping[str, str],
    *,
    host: str = "localhost",
    app: str = "hello",
    body: bytes = BODY,
    method: str = "POST",
    client: str = "127.0.0.1",
) -> Answer:
    """Send a webhook from one of this machine's addresses."""
    path = f"/_prevs/hooks/{app}"
    return site.proxy.request(host, path, method=method, body=body, headers=headers, source=client)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(sign(), id="github"),
        pytest.param({"X-Gitlab-Token": SECRET, "X-Gitlab-Event": "Push Hook"}, id="gitlab"),
        pytest.param({"Authorization": f"Bearer {SECRET}"}, id="bearer"),
    ],
)
def test_a_webhook_on_a_host_that_is_no_previews_has_the_repository_read(
    site: Site, headers: Mapping[str, str]
) -> None:
    for host in ("localhost", "hooks.localhost", "127.0.0.1"):
        answer = deliver(site, headers, host=host)
        assert (answer.status, answer.body) == (202, b"")
    assert site.world.api.nudged == ["hello"] * 3


def test_hosts_of_previews_have_no_webhooks_and_no_preview_sees_one(site: Site) -> None:
    with upstream("app") as app:
        site.route("hello", {SHA: placement("hello", SHA, app.port, "main")})
        for host in ("main.hello.localhost", "main--hello.localhost", "other.hello.localhost"):
            assert deliver(site, sign(), host=host).status == 404
        assert app.seen == []
    assert site.world.api.nudged == []
    assert site.world.count(CALL) == 0


def test_a_forged_webhook_shows_nothing_of_the_app(site: Site) -> None:
    refused = [
        deliver(site, sign(secret="another one"), client="127.0.8.1"),
        deliver(site, sign(b"another body"), client="127.0.8.1"),
        deliver(site, {}, client="127.0.8.1"),
        deliver(site, sign(), app="bare", client="127.0.8.1"),
        deliver(site, sign(), app="unknown", client="127.0.8.1"),
    ]
    assert {answer.status for answer in refused} == {401}
    assert len({answer.body for answer in refused}) == 1
    assert deliver(site, sign(), app="Not-an-app").status == 404
    assert site.world.api.nudged == []


def test_only_a_post_is_a_webhook(site: Site) -> None:
    for method in ("GET", "PUT", "DELETE", "OPTIONS"):
        answer = deliver(site, sign(), method=method)
        assert (answer.status, answer.headers["allow"]) == (405, "POST")
    assert site.world.count(CALL) == 0


def test_a_body_has_a_megabyte_at_most(site: Site) -> None:
    body = b'"' + b"x" * (LONGEST - 2) + b'"'
    assert deliver(site, sign(body), body=body).status == 202
    assert deliver(site, sign(body), body=body + b" ").status == 413
    assert site.world.count(CALL) == 1


def test_a_client_that_sends_forged_ones_no_longer_reaches_the_framework(site: Site) -> None:
    forged = sign(secret="another one")
    refused = 0
    while (answer := deliver(site, forged, client="127.0.8.2")).status == 401:
        refused += 1
    assert refused >= FORGED.quota
    assert (answer.status, int(answer.headers["retry-after"]) > 0) == (429, True)
    assert site.world.count(CALL) == refused
    assert deliver(site, sign(), client="127.0.8.3").status == 202


def test_the_frameworks_limit_of_an_app_is_passed_on(site: Site) -> None:
    answers = [deliver(site, sign()) for _ in range(51)]
    assert [answer.status for answer in answers] == [202] * 50 + [429]
    assert answers[-1].headers["retry-after"]
    assert "nothing is lost" in answers[-1].body.decode()
