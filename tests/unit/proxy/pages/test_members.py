"""The members of a variant, as a page shows them."""

import dataclasses
import re

import pytest

from prevs.states import State
from proxy.model.preview import Commit, Failure, Member, Mistake, Preview, Variant
from proxy.pages import pages, view
from proxy.pages.brief import brief_commit, brief_preview
from proxy.pages.pages import Visit
from proxy.pages.view import show_members

SHA, ID = "5c80e7d1f2a3b4c5d6e7f8091a2b3c4d5e6f7081", "b" * 40
LABEL = "feature-x--shop"
VISIT = Visit(f"{LABEL}.web.localhost", LABEL, "web", "/", "the-nonce", "the-token")
WEB = Member("web", "web", "feature-x", True, "http://feature-x--shop.localhost/", "building")
CART = Member("cart", "cart", "main", False, "http://feature-x--cart-shop.localhost/", "")
VARIANT = Variant("shop", "feature-x", "web", (WEB, CART))
COMMIT = Commit(ID, "branch", "feature-x", built_from=SHA, variant=VARIANT)
PREVIEW = Preview(
    *("web", ID, "building"), labels=(LABEL,), built_from=SHA, instance=LABEL, variant=VARIANT
)


def render(preview: Preview | None = PREVIEW, commit: Commit = COMMIT) -> str:
    return pages.waiting_page(VISIT, commit, preview, now=1000.0)


def read(page: str) -> list[str]:
    """Return the text of each member on a page."""
    shown = page.partition('id="members">')[2].partition("</ol>")[0]
    return [re.sub("<[^>]+>", " ", one).strip() for one in re.findall("<li.*?</li>", shown)]


@pytest.mark.parametrize("state", ["", *(state.value for state in State)])
def test_a_member_in_any_state_has_a_mark_and_a_word(state: str) -> None:
    (shown,) = show_members(VARIANT._replace(members=(CART._replace(state=state),)))
    expected = {"": "next", "stopped": "next", "running": "done", "failed": "failed"}
    assert shown.status == expected.get(state, "now")
    assert shown.word
    assert not shown.here


def test_a_page_lists_the_members_and_marks_its_own_also_before_anything_was_started() -> None:
    assert read(render()) == [
        "web  feature-x · this page  Building",
        "cart  main, as usual  Not started",
    ]
    assert read(render(None)) == read(render())
    page = render()
    assert page.count('aria-current="true"') == 1
    assert f'href="{CART.url}"' in page
    assert "<title>Building · feature-x · shop</title>" in page
    assert f'<code title="{SHA}">{SHA[:7]}</code>' in page
    assert 'id="variant"' not in render(dataclasses.replace(PREVIEW, variant=None))


def test_an_app_that_shows_its_status_names_no_branch_of_a_member() -> None:
    other = VARIANT._replace(name="x", members=(WEB._replace(label="secret"), CART))
    commit = brief_commit(dataclasses.replace(COMMIT, variant=other))
    page = render(brief_preview(dataclasses.replace(PREVIEW, variant=other)), commit)
    assert "secret" not in page
    assert read(page) == [
        "web  in this variant alone · this page  Building",
        "cart  as usual  Not started",
    ]
    assert read(render(None, commit)) == read(page)


def test_commands_name_an_instance_by_its_label() -> None:
    mistakes = tuple(Mistake(line, "x" * 300) for line in range(1, 30))
    failure = Failure("settings-invalid", "It has mistakes.", None, mistakes)
    failed = dataclasses.replace(PREVIEW, state="failed", failure=failure)
    assert f"prevs show web {LABEL} lists all 29" in str(view.show(failed, 0.0).message())
    brief = view.show(brief_preview(failed), 0.0).failure
    assert brief is not None
    assert brief.message.endswith(f"prevs show web {LABEL}")
    exited = dataclasses.replace(failed, failure=Failure("app-exited", "It exited.", 1))
    shown = view.show(exited, 0.0).failure
    assert shown is not None
    assert shown.command == f"prevs logs web {LABEL}"


@pytest.mark.parametrize(("count", "most"), [(5, 52_000), (20, 62_000)])
def test_a_page_with_as_many_members_as_there_may_be_stays_small(count: int, most: int) -> None:
    label, wide = "x" * 63, "<" * 5000
    url = f"https://{label}.{'d' * 190}/"
    member = Member("m" * 20, "a" * 40, label, apart=False, url=url, state="draining")
    failed = dataclasses.replace(
        PREVIEW,
        state="failed",
        detail=wide,
        agent=wide,
        failure=Failure(wide, wide, 1),
        log_tail=wide,
        variant=VARIANT._replace(members=(member,) * count),
    )
    commit = Commit(ID, "branch", "main", wide, wide, committed=1.0)
    assert len(render(failed, commit).encode()) < most
