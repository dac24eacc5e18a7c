"""The page of an app's forge: each form does what a call of the API does; nothing secret shows."""

import dataclasses
from pathlib import Path

import pytest

from framework.errors import NoKey
from framework.ports import EnteredHook, Polling
from framework.ports.forges import Finding
from prevs.messages import Credential
from tests.fakes.dashboard import Dashboard, Visitor
from tests.fakes.ssh_keys import make_ssh_key

PAGE = "/apps/hello/forge"
URL = "http://localhost:8080/_prevs/hooks/hello"


def change(dashboard: Dashboard, **fields: str) -> None:
    app = dashboard.previews.known_apps["hello"]
    dashboard.previews.known_apps["hello"] = dataclasses.replace(app, **fields)  # type: ignore[arg-type]


def test_the_kind_is_shown_as_guessed_or_set_and_what_is_followed(
    dashboard: Dashboard, visitor: Visitor
) -> None:
    assert "No kind of forge is known" in visitor.get(PAGE).text
    change(dashboard, repository="https://github.com/group/shop.git")
    assert "<strong>github</strong>, known by the name of the host" in visitor.get(PAGE).text
    shown = {"was-forge": "auto", "was-pulls": "auto", "was-forks": "approve"}
    answer = visitor.act(f"{PAGE}/settings", forge="gitlab", pulls="all", forks="members", **shown)
    assert answer.headers["Location"] == f"{PAGE}?did=change"
    app = dashboard.previews.known_apps["hello"]
    assert (app.forge, app.pulls, app.forks) == ("gitlab", "all", "members")
    page = visitor.get(PAGE).text
    assert "<strong>gitlab</strong>, as set" in page
    assert "pull requests of forks too" in page
    assert ("operator", "change app", "hello", 303) in dashboard.notes()
    was = "comment\nstatus"
    visitor.act(f"{PAGE}/settings", tell="deployment\r\nstatus\r\n", **{"was-tell": was})
    told = [dashboard.previews.known_apps["hello"].tell]
    visitor.act(f"{PAGE}/settings", tell="", **{"was-tell": "deployment\nstatus"})
    told.append(dashboard.previews.known_apps["hello"].tell)
    assert told == [("deployment", "status"), ()]
    wrong = visitor.act(f"{PAGE}/settings", pulls="some")
    assert (wrong.status_code, "Nothing was changed: pulls" in wrong.text) == (422, True)


def test_a_token_is_set_replaced_and_removed_and_never_shown(
    dashboard: Dashboard, visitor: Visitor
) -> None:
    answer = visitor.act(f"{PAGE}/token", token=" glpat-hunter2\n")
    assert dashboard.previews.snapshot.forge_token("hello") == "glpat-hunter2"
    page = visitor.get(answer.headers["Location"]).text
    assert "Replace the token" in page
    assert "hunter2" not in page
    wrong = visitor.act(f"{PAGE}/token", token="hunter 2")
    assert (wrong.status_code, "Nothing was stored: token" in wrong.text) == (422, True)
    assert "hunter" not in wrong.text
    visitor.act(f"{PAGE}/token/remove")
    assert dashboard.previews.snapshot.forge_token("hello") == ""
    assert visitor.act(f"{PAGE}/token/remove").status_code == 404
    actions = [note[1] for note in dashboard.notes()]
    assert {"set forge token", "unset forge token"} <= set(actions)
    assert "hunter" not in str(dashboard.notes())


def test_the_webhook_is_entered_at_the_forge_without_anybody_seeing_its_secret(
    dashboard: Dashboard, visitor: Visitor
) -> None:
    dashboard.polling = Polling(600.0, 125.0)
    assert "no webhook is accepted" in visitor.get(PAGE).text
    answer = visitor.act(f"{PAGE}/hook")
    secret = dashboard.previews.given["hello"].hook_secret
    ((_, _, webhook),) = dashboard.webhooks
    assert (webhook.url, webhook.secret) == (URL, secret)
    page = visitor.get(answer.headers["Location"]).text
    assert "The forge has the webhook now." in page
    for shown in (URL, "2 min ago", "read every 10 min"):
        assert shown in page
    assert secret not in page
    assert ("operator", "enter hook", "hello", 303) in dashboard.notes()


def test_a_secret_to_enter_by_hand_is_shown_once(dashboard: Dashboard, visitor: Visitor) -> None:
    dashboard.entered = EnteredHook("by hand", "No token.", "Set one.")
    made = visitor.act(f"{PAGE}/hook").text
    secret = dashboard.previews.given["hello"].hook_secret
    for shown in (secret, URL, "No token.", "Set one.", "post-receive"):
        assert shown in made
    assert secret not in visitor.act(f"{PAGE}/hook").text + visitor.get(f"{PAGE}/hook").text
    newer = visitor.act(f"{PAGE}/hook-secret").text
    given = dashboard.previews.given["hello"]
    assert given.former_hook_secret == secret != given.hook_secret
    assert given.hook_secret in newer
    visitor.act(f"{PAGE}/hook-secret/remove", former="yes")
    assert dashboard.previews.snapshot.given("hello").former_hook_secret == ""
    visitor.act(f"{PAGE}/hook-secret/remove")
    assert dashboard.previews.snapshot.given("hello").hook_secret == ""


def test_a_forges_own_secret_is_taken(dashboard: Dashboard, visitor: Visitor) -> None:
    visitor.act(f"{PAGE}/hook-secret", value="A" * 40)
    assert dashboard.previews.given["hello"].hook_secret == "A" * 40
    assert dashboard.webhooks == []
    wrong = visitor.act(f"{PAGE}/hook-secret", value="hunter2")
    assert (wrong.status_code, "16 to 512 characters" in wrong.text) == (422, True)
    assert "hunter2" not in wrong.text


def test_a_check_shows_each_part_with_the_next_step(dashboard: Dashboard, visitor: Visitor) -> None:
    dashboard.findings = (
        Finding("address", True, "It answers."),
        Finding("token", False, "It has <ended>.", "Make a new one."),
        Finding("repository", None, "It was not tried."),
    )
    page = visitor.act(f"{PAGE}/check").text
    for shown in ("works", "fails", "not known", "It has &lt;ended&gt;.", "Make a new one."):
        assert shown in page
    assert ("operator", "check forge", "hello", 200) in dashboard.notes()
    assert "Check the way" in visitor.get(f"{PAGE}/check").text


def test_a_password_of_the_repository_is_set_and_removed(
    dashboard: Dashboard, visitor: Visitor
) -> None:
    credential = "/apps/hello/credential"
    visitor.act(credential, username="deploy", password="hunter2")
    assert dashboard.previews.given["hello"].credential == Credential("deploy", "hunter2")
    page = visitor.get(PAGE).text
    assert "deploy" in page
    assert "hunter2" not in page
    wrong = visitor.act(credential, username="deploy", password="")
    assert (wrong.status_code, "Nothing was stored: password" in wrong.text) == (422, True)
    assert 'value="deploy"' in wrong.text
    visitor.act(f"{credential}/remove")
    assert dashboard.previews.snapshot.credential("hello") is None
    assert visitor.act(f"{credential}/remove").status_code == 404
    assert {note[1] for note in dashboard.notes()} >= {"set credential", "unset credential"}


def test_a_deploy_key_is_set_and_its_fingerprint_shown(
    dashboard: Dashboard, visitor: Visitor, tmp_path: Path
) -> None:
    key, hosts = make_ssh_key(tmp_path), "git.example.org ssh-ed25519 AAAAC3Nz"
    pasted = key.private.replace("\n", "\r\n")
    visitor.act("/apps/hello/credential", private_key=pasted, known_hosts=f"{hosts}\r\n")
    stored = dashboard.previews.given["hello"].credential
    assert stored == Credential(private_key=key.private, known_hosts=f"{hosts}\n")
    page = visitor.get(PAGE).text
    assert key.fingerprint in page
    assert hosts in page
    assert "PRIVATE KEY" not in page
    wrong = visitor.act("/apps/hello/credential", private_key=pasted, known_hosts="")
    assert (wrong.status_code, "known hosts is missing" in wrong.text) == (422, True)
    assert "PRIVATE KEY" not in wrong.text


@pytest.mark.parametrize("form", ["token", "hook", "hook-secret"])
def test_what_cannot_be_stored_leads_to_what_to_do(
    dashboard: Dashboard, visitor: Visitor, form: str
) -> None:
    dashboard.previews.error = NoKey()
    answer = visitor.act(f"{PAGE}/{form}", token="glpat")
    assert (answer.status_code, "PREVS_KEY_FILE" in answer.text) == (409, True)


def test_other_pages_lead_there(visitor: Visitor) -> None:
    assert f'href="{PAGE}"' in visitor.get("/apps/hello/settings").text
    assert visitor.get("/apps/other/forge").status_code == 404
