import re
from typing import Any

import pytest

from proxy.model.landing import Landing, LandingEntry, LandingList, LandingQuery
from proxy.pages import landing_page
from proxy.pages.pages import Visit

NOW = 10 * 86400.0
SHA, OLDER = "5c80e7d" + "0" * 33, "1234567" + "0" * 33
EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
VISIT = Visit("shop.localhost", "", "", "/", "the-nonce", "", site="shop.localhost")
URL = "http://x.shop.localhost/"


def entry(kind: str = "branch", name: str = "main", **fields: Any) -> LandingEntry:
    known = LandingEntry(
        kind, name, URL, SHA, "Ada", "Say hello", NOW - 86400, "", "", "", may_run=True
    )
    return known._replace(**fields)


def render(
    *lists: LandingList, query: LandingQuery | None = None, app: str = "shop", **fields: Any
) -> str:
    known: dict[str, Any] = {
        "shows_all": True,
        "commit_url": "http://COMMIT.shop.localhost/",
        "found_url": "",
        "default": None,
        "as_of": NOW,
        "trouble": "",
    }
    landing = Landing(**known | fields, lists=lists)
    return landing_page.render(VISIT, app, landing, query or LandingQuery(), now=NOW)


def shown(page: str) -> str:
    text = re.sub(r"<script.*?</script>|<style.*?</style>", "", page, flags=re.S)
    return " ".join(re.sub("<[^>]+>", " ", text).split())


@pytest.mark.parametrize(
    ("fields", "word", "why"),
    [
        ({}, "Not started", ""),
        ({"state": "running"}, "Running", ""),
        ({"state": "failed", "why": "The app exited."}, "Failed", "The app exited."),
        ({"state": "stopped", "why": "Nobody used it."}, "Stopped", "Nobody used it."),
        ({"may_run": False, "why": "secret"}, "Not approved", "Its page says who can approve it."),
    ],
)
def test_a_state_is_a_word_with_its_reason(fields: dict[str, Any], word: str, why: str) -> None:
    text = shown(render(default=entry(**fields)))
    assert f"main {word} 5c80e7d Say hello Ada, 1 day ago {why}".strip() in text
    assert "secret" not in text


def test_an_older_commit_at_an_address_is_named() -> None:
    text = shown(render(default=entry(serving=OLDER, state="building")))
    assert "its address shows an older commit, 1234567 ." in text


def test_the_link_of_a_pull_request_is_its_title() -> None:
    pull = LandingList(
        "pull", (entry("pull", "pr-7", title="Sell"), entry("pull", "pr-6", title="")), 2, ""
    )
    page = render(pull)
    assert f'<a class="name" href="{URL}"><bdi>Sell</bdi></a>' in page
    assert '<bdi class="subject">pr-7</bdi>' in page
    assert "<bdi>pr-6</bdi>" in page


def test_nothing_of_strangers_becomes_markup() -> None:
    evil = entry(name=EVIL, title=EVIL, author=EVIL, state="failed", why=EVIL)
    lists = (
        LandingList("pull", (evil._replace(kind="pull"),), 1, ""),
        LandingList("tag", (evil,), 1, ""),
    )
    page = render(*lists, default=evil, query=LandingQuery(EVIL))
    assert "<img" not in page
    assert page.count("<script") == page.count("</script>") == 1
    for tag in re.findall(r"<(?:script|style)\b[^>]*>", page):
        assert 'nonce="the-nonce"' in tag


def test_text_that_turns_around_stays_in_its_place() -> None:
    page = render(default=entry(title="a\u202eb"))
    assert "\u202e" not in page


def test_lists_say_how_many_more_there_are_and_lead_there() -> None:
    branches = LandingList("branch", (entry(),), 1241, "WzFd")
    page = render(branches, query=LandingQuery("a&b"))
    assert "Branches , 1,241" in shown(page)
    assert 'and 1,240 more: search, or <a href="/?kind=branch&amp;q=a%26b">' in page
    assert "WzFd" not in page
    page = render(branches, query=LandingQuery("a&b", "branch", "WzBd"))
    assert 'href="/?kind=branch&amp;q=a%26b&amp;after=WzFd">Next page' in page
    assert 'href="/?kind=branch&amp;q=a%26b">First page' in page
    assert '<input type="hidden" name="kind" value="branch">' in page
    assert "more: search" not in page


def test_a_search_without_result_says_so_and_what_a_commit_has() -> None:
    page = render(query=LandingQuery("<nope>"), found_url="http://5c80e7d.shop.localhost/")
    assert "matches &lt;nope&gt;." in re.sub("</?bdi>", "", page)
    assert '<a href="http://5c80e7d.shop.localhost/">' in page
    assert "There is no branch and no tag yet." in shown(render())


@pytest.mark.parametrize(
    ("trouble", "text"),
    [
        ("old", "The repository cannot be read now. This is what it had 12 minutes ago."),
        ("unreadable", "its branches and tags are not listed"),
        ("being-fetched", "read for the first time"),
        ("other-repository", "Another repository has taken the address"),
    ],
)
def test_what_is_wrong_with_the_repository_is_said(trouble: str, text: str) -> None:
    page = shown(render(trouble=trouble, as_of=NOW - 720))
    assert text in page
    assert "no branch" not in page
    assert "This is what it had when it was last read." in shown(render(trouble="old", as_of=None))


def test_an_app_that_shows_its_status_alone_says_how_to_see_more() -> None:
    page = render(shows_all=False)
    assert "prevs app set shop --room full" in page
    assert "<form" not in page
    assert "<script" not in page
    assert "http://<b>5c80e7d</b>.shop.localhost/" in page


def test_the_services_beside_it_are_links() -> None:
    page = render(default=entry(services=(("result", "http://result--main.shop.localhost/"),)))
    assert '<a href="http://result--main.shop.localhost/"><bdi>result</bdi></a>' in page
    assert "Beside it result" in shown(page)
    assert "Beside it" not in render(default=entry())


def test_the_stacks_that_have_it_are_links() -> None:
    found = (("shop", "http://x--shop.localhost/"), ("<b>", "http://x--b.localhost/"))
    page = render(default=entry(stacks=found))
    assert '<a href="http://x--shop.localhost/">shop</a>' in page
    assert "With the other apps of shop , &lt;b&gt;" in shown(page)
    assert "With the other apps" not in render(default=entry())


def test_a_commit_that_another_ones_preview_serves_is_named_the_same() -> None:
    text = shown(render(default=entry(same=OLDER, state="running")))
    assert "main Running 5c80e7d (the same as 1234567 )" in text
