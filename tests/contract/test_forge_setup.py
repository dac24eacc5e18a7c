"""The check of the way to each kind of forge with each thing wrong once, and entering webhooks."""

import dataclasses
import hashlib
import hmac
from collections.abc import Callable
from typing import NamedTuple

import gitlab
import pytest

from framework.forges.registry import SCHEMES
from framework.forges.setup import webhooks
from framework.forges.setup.check import PARTS, Connection, check, explain_none
from framework.hooks import signatures
from framework.hooks.signatures import Delivery
from framework.ports.forges import Finding, Webhook
from prevs.pulls import RepositoryRecord
from prevs.records import AppRecord
from tests.contract import pygithub
from tests.fakes.forges.clients import KINDS, client_of
from tests.fakes.forges.github import GitHubServer
from tests.fakes.forges.gitlab import GitLabServer
from tests.fakes.forges.hooks import find_url
from tests.fakes.forges.server import (
    DAY,
    REPOSITORY,
    TOKEN,
    ForgeServer,
    HookFacts,
    PullFacts,
    Reply,
    sha_of,
)

pytestmark = pytest.mark.contract

WITH_HOOKS = KINDS[:3]
URL = "https://hooks.prevs.example/_prevs/hooks/shop"
SECRET, FORMER = "whsec_" + "A" * 43 + "=", "whsec_" + "B" * 43 + "="
HOOK = Webhook(URL, SECRET)


@pytest.fixture
def forge(forge: ForgeServer) -> ForgeServer:
    forge.pulls = [PullFacts(one, sha_of(one)) for one in (1, 2, 3)]
    return forge


class Setting(NamedTuple):
    """What a check is made with; `broken` is what git says of each ref."""

    token: str = TOKEN
    name: str = "group/shop"
    webhook: Webhook = HOOK
    broken: str = ""
    known: str = str(REPOSITORY)


def hooks_of(forge: ForgeServer, token: str = TOKEN) -> webhooks.Hooks:
    hooks = client_of(forge, token).find_hooks()
    assert hooks is not None
    return hooks


USUAL = Setting()


def check_all(
    forge: ForgeServer, setting: Setting = USUAL, asked: list[str] | None = None
) -> dict[str, Finding]:
    """Return what a check finds, by part. `asked` gets the refs that git was asked for."""
    app = AppRecord("shop", f"{forge.origin}/{setting.name}.git", forge=forge.kind)
    client = client_of(forge, setting.token, name=setting.name)
    hooks = client.find_hooks()

    def find_ref_problem(ref: str) -> str:
        if asked is not None:
            asked.append(ref)
        return setting.broken

    webhook, has_token = setting.webhook, bool(setting.token)
    connection = Connection(app, has_token, client, hooks, webhook, find_ref_problem)
    connection = connection._replace(known=RepositoryRecord("shop", app.repository, setting.known))
    found = check(connection)
    assert [one.part for one in found] == list(PARTS)
    return {one.part: one for one in found}


def enter(forge: ForgeServer, secret: str = SECRET) -> str:
    return webhooks.enter(hooks_of(forge), URL, secret).outcome


def test_a_check_of_a_forge_that_works(forge: ForgeServer) -> None:
    webhook = HOOK if forge.kind != "pagure" else HOOK._replace(hooked=60.0)
    if forge.kind != "pagure":
        enter(forge)
    asked: list[str] = []
    found = check_all(forge, Setting(webhook=webhook), asked)
    assert {part: one.ok for part, one in found.items()} == dict.fromkeys(PARTS, True)
    assert found["pull requests"].detail == "3 are open."
    assert asked == ["refs/merge-requests/3/head" if forge.kind == "gitlab" else "refs/pull/3/head"]


class Wrong(NamedTuple):
    """One thing that is wrong: what does it, and how the check tells it, with the next step."""

    part: str
    says: str
    step: str
    does: Callable[[ForgeServer], None] = lambda _: None
    setting: Setting = USUAL
    ok: bool | None = False
    kinds: tuple[type[ForgeServer], ...] = KINDS


def answer_pulls_with(reply: Reply) -> Callable[[ForgeServer], None]:
    def break_pulls(forge: ForgeServer) -> None:
        lists = ("/pulls", "/merge_requests", "/pull-requests")
        forge.mishap = lambda request: reply if request.path.endswith(lists) else None

    return break_pulls


def limit_rate(forge: ForgeServer) -> None:
    headers = {
        "X-RateLimit-Remaining": "40",
        "X-RateLimit-Limit": "5000",
        "X-RateLimit-Reset": f"{DAY + 90:.0f}",
    }

    def count_down(request: object) -> Reply:
        reply = forge.refuse(request) or forge.answer(request)  # type: ignore[arg-type]
        return reply._replace(headers={**reply.headers, **headers})

    forge.mishap = count_down


def let_hook(**facts: object) -> Callable[[ForgeServer], None]:
    def enter_and_change(forge: ForgeServer) -> None:
        enter(forge)
        forge.hooks[0] = dataclasses.replace(forge.hooks[0], **facts)  # type: ignore[arg-type]

    return enter_and_change


def forget_events(forge: ForgeServer) -> None:
    enter(forge)
    forge.hooks[0].fields |= {"events": ["push"], "note_events": False}


MAKE = "`prevs forge hook shop`"
WRONG = {
    "wrong token": Wrong("token", "does not accept", "prevs forge set shop", setting=Setting("no")),
    "token without a right": Wrong(
        "pull requests",
        "may not do this",
        "docs/forges/",
        answer_pulls_with(Reply(403, {}, b'{"message": "no"}')),
    ),
    "unknown repository": Wrong(
        "repository", "no such thing", "prevs app show shop", setting=Setting(name="group/gone")
    ),
    "another repository of the name": Wrong(
        "repository",
        "another repository",
        "prevs app set shop --repository",
        setting=Setting(known="99"),
    ),
    "refs that git cannot read": Wrong(
        "git",
        "git cannot read refs/",
        "prevs credential set shop",
        setting=Setting(broken="Authentication failed"),
    ),
    "no webhook at the forge": Wrong("webhook", f"address {URL}", MAKE, kinds=WITH_HOOKS),
    "a webhook that is switched off": Wrong(
        "webhook", "switched it off", MAKE, let_hook(is_off=True), kinds=WITH_HOOKS
    ),
    "a webhook without some events": Wrong(
        "webhook", "not announce all events", MAKE, forget_events, kinds=WITH_HOOKS
    ),
    "a webhook that is refused": Wrong(
        "webhook",
        "another secret",
        MAKE,
        let_hook(answer=401),
        kinds=(GitHubServer, GitLabServer),
    ),
    "a webhook whose last delivery failed": Wrong(
        "webhook",
        f"last delivery to {URL}",
        "certificate",
        let_hook(answer=0),
        kinds=(GitHubServer, GitLabServer),
    ),
    "webhooks that the token may not see": Wrong(
        "webhook",
        "Nothing is known",
        "Push something",
        lambda forge: setattr(forge, "may_hook", False),
        ok=None,
    ),
    "a clock that is off": Wrong(
        "clock", "300 s ahead of", "timedatectl", lambda forge: setattr(forge, "now", DAY - 300)
    ),
    "a rate limit that is nearly used up": Wrong(
        "rate limit", "nearly used up", "prevs forge set shop", limit_rate
    ),
    "a forge that is not there": Wrong(
        "address", "cannot be reached", "curl", lambda forge: forge.close()
    ),
    "another program at that address": Wrong(
        "address",
        "answered with the status 500",
        "whether the kind is right",
        lambda forge: setattr(forge, "mishap", lambda _: Reply(500)),
    ),
}
FATAL = {"address": "clock", "token": "repository", "repository": "pull requests"}
"""Where a part fails, all from this one on are not tried."""


EACH_WITH_HOOKS = pytest.mark.parametrize(
    "forge", WITH_HOOKS, ids=lambda kind: kind.kind, indirect=True
)
CASES = [
    pytest.param(kind, name, id=f"{kind.kind}: {name}")
    for name, wrong in WRONG.items()
    for kind in wrong.kinds
]


@pytest.mark.parametrize(("forge", "name"), CASES, indirect=["forge"])
def test_a_check_tells_the_one_thing_that_is_wrong_and_the_next_step(
    forge: ForgeServer, name: str
) -> None:
    wrong = WRONG[name]
    wrong.does(forge)
    found = check_all(forge, wrong.setting)
    told = found.pop(wrong.part)
    assert told.ok is wrong.ok
    assert wrong.says in told.detail
    assert wrong.step in told.advice
    untried = PARTS[PARTS.index(FATAL[wrong.part]) :] if wrong.part in FATAL else ()
    assert {part for part, one in found.items() if one.ok is False} <= {"webhook"} - set(untried)
    assert all(found[part].ok is None for part in untried)
    texts = " ".join(one.detail + one.advice for one in found.values())
    assert SECRET not in texts


def test_an_app_without_a_forge_is_told_to_name_one() -> None:
    (first, *others) = explain_none(AppRecord("shop", "https://git.example.org/shop.git"))
    assert (first.ok, {one.ok for one in others}) == (False, {None})
    assert "prevs forge set shop --kind" in first.advice


def test_an_app_without_a_webhook_is_told_how_to_get_one(forge: ForgeServer) -> None:
    found = check_all(forge, Setting(webhook=Webhook(URL)))["webhook"]
    assert (found.ok, MAKE in found.advice) == (True, True)


@EACH_WITH_HOOKS
def test_a_webhook_is_entered_once_and_its_secret_replaced(forge: ForgeServer) -> None:
    other = {
        "config": {"url": "https://ci.example.org/", "content_type": "json"},
        "url": "https://ci.example.org/",
    }
    forge.hooks = [HookFacts(1, {"type": "gitea", **other})]
    assert [enter(forge, FORMER), enter(forge), enter(forge)] == ["made", "updated", "updated"]
    assert [find_url(one) for one in forge.hooks] == ["https://ci.example.org/", URL]
    assert read_secret(forge.hooks[1]) == SECRET
    assert check_all(forge)["webhook"].ok


@EACH_WITH_HOOKS
def test_a_webhook_that_was_off_or_refused_is_right_again_after_it_is_entered(
    forge: ForgeServer,
) -> None:
    enter(forge, FORMER)
    forge.hooks[0] = dataclasses.replace(forge.hooks[0], answer=401, is_off=True)
    assert check_all(forge)["webhook"].ok is False
    assert enter(forge) == "updated"
    assert check_all(forge)["webhook"].ok is True
    forge.delivers = 0
    assert enter(forge) == "updated"
    assert check_all(forge)["webhook"].ok is (forge.kind == "gitea"), "it shows no deliveries"


def read_secret(hook: HookFacts) -> str:
    secret: str = hook.fields.get("token") or hook.fields["config"]["secret"]
    return secret


@EACH_WITH_HOOKS
def test_what_a_forge_signs_with_that_secret_is_authentic(forge: ForgeServer) -> None:
    enter(forge)
    secret, body = read_secret(forge.hooks[0]), b'{"ref": "refs/heads/main"}'
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    header = {
        "github": ("x-hub-signature-256", f"sha256={digest}"),
        "gitea": ("x-gitea-signature", digest),
        "gitlab": ("x-gitlab-token", secret),
    }[forge.kind]
    delivery = Delivery(dict([header]), body)
    verdict = signatures.judge(delivery, SCHEMES, secrets=(SECRET,), decoys=("x", "y"), now=DAY)
    assert verdict.is_authentic


@EACH_WITH_HOOKS
def test_a_token_that_may_make_no_webhooks_is_told_the_rights(forge: ForgeServer) -> None:
    forge.may_hook = False
    refused = webhooks.enter(hooks_of(forge), URL, SECRET)
    assert refused.outcome == "refused"
    assert f"docs/forges/{forge.kind}.md" in refused.advice
    ended = webhooks.enter(hooks_of(forge, "no"), URL, SECRET)
    assert "prevs forge set shop" in ended.advice
    assert forge.hooks == []


@EACH_WITH_HOOKS
@pytest.mark.parametrize(("status", "says"), [(422, "private networks"), (502, "Try again")])
def test_a_forge_that_takes_no_webhook_is_no_error(
    forge: ForgeServer, status: int, says: str
) -> None:
    forge.mishap = lambda request: Reply(status) if request.method == "POST" else None
    refused = webhooks.enter(hooks_of(forge), URL, SECRET)
    assert (refused.outcome, says in refused.advice) == ("refused", True)


@EACH_WITH_HOOKS
def test_a_redirect_elsewhere_gets_neither_the_token_nor_the_secret(forge: ForgeServer) -> None:
    other = GitHubServer()
    try:
        for status in (302, 307):
            place = {"Location": f"{other.origin}/elsewhere"}
            forge.mishap = lambda request, status=status, place=place: (  # type: ignore[misc]
                Reply(status, place) if request.method == "POST" else None
            )
            assert webhooks.enter(hooks_of(forge), URL, SECRET).outcome == "refused"
        assert other.requests == []
    finally:
        other.close()


def test_other_clients_read_what_we_have_entered() -> None:
    github, lab = GitHubServer(), GitLabServer()
    try:
        enter(github)
        enter(lab)
        reader = pygithub.connect(github, TOKEN)
        (hook,) = reader.get_repo("group/shop").get_hooks()
        assert (hook.config["url"], hook.active) == (URL, True)
        assert hook.config["content_type"] == "json"
        assert set(hook.events) == {"push", "pull_request", "issue_comment"}
        reader.close()
        project = gitlab.Gitlab(lab.origin, private_token=TOKEN).projects.get("group/shop")
        (found,) = project.hooks.list(get_all=True)
        assert (found.url, found.push_events, found.note_events) == (URL, True, True)
    finally:
        github.close()
        lab.close()
