import dataclasses
import json
import re

import pytest

from proxy.model.preview import Commit, Failure, Mistake, Preview, Step, read_commit
from proxy.model.problems import Problem, closed_connection, unavailable
from proxy.pages import pages
from proxy.pages.brief import brief_problem
from proxy.pages.pages import Visit
from proxy.pages.wording import SENTENCES

SHA = "5c80e7d1f2a3b4c5d6e7f8091a2b3c4d5e6f7081"
EVIL = "</script><script>alert(1)</script>"
VISIT = Visit("main.hello.localhost", "main", "hello", "/x?y=1&z=<", "the-nonce", "the-token")
COMMIT = Commit(SHA, "branch", "main", "Ada", EVIL, committed=1000.0 - 3 * 86400)


def waiting(**fields: object) -> str:
    values = {"app": "hello", "sha": SHA, "state": "queued", **fields}
    return pages.waiting_page(VISIT, COMMIT, Preview(**values), now=1000.0)  # type: ignore[arg-type]  # any field


def test_a_page_shows_app_label_commit_state_and_reason() -> None:
    page = waiting(reason="no agent has 2048 MB free")
    for text in ("hello", "main", SHA[:7], "Ada", "3 days ago", "no agent has 2048 MB free"):
        assert text in page
    assert SENTENCES["queued"] in page
    assert "<title>Waiting · main · hello</title>" in page


def test_an_outdated_commit_is_shown_with_its_age_but_no_reason() -> None:
    commit = {"sha": SHA, "problem": "Could not connect to git.internal", "as_of": 280.0}
    preview = Preview("hello", SHA, "queued")
    page = pages.waiting_page(VISIT, read_commit(commit), preview, now=1000.0)
    assert "The repository cannot be read now. This is main as it was 12 minutes ago." in page
    assert "internal" not in page
    page = pages.waiting_page(VISIT, read_commit({**commit, "as_of": None}), None, now=1000.0)
    assert "This is main as it was when it was last read." in page
    assert "cannot be read" not in waiting()


def test_a_page_shows_the_place_in_the_queue_and_when_it_is_tried_again() -> None:
    page = waiting(queue_place=3, next_try=1012.0)
    assert "3rd in the queue" in page
    assert "next try in 12 s" in page
    assert "in the queue</span>" not in waiting()


def test_a_page_without_scripts_shows_each_step_with_its_time() -> None:
    steps = [Step("queued", 990.0, 991.5, 0.2), Step("building", 991.5, None, 40.0)]
    page = waiting(state="building", phase="building", detail="3/5 RUN make", steps=tuple(steps))
    shown = re.sub("<[^>]+>", "|", page)
    assert "Queued|, done|||||1.5 s" in shown
    assert "Building its image|, in progress|||3/5 RUN make||8.5 s of about 40 s" in shown
    assert "Fetching the commit||||not needed" in shown
    assert re.search(r'<progress [^>]*value="0\.2', page)
    assert "about 32 s to go" in page


def test_a_page_has_the_end_of_the_log_without_colours() -> None:
    page = waiting(state="building", log_tail="a\n\x1b[31mred\x1b[0m <b>\n")
    assert 'id="log-end" tabindex="0">a\nred &lt;b&gt;\n</pre>' in page


def test_nothing_from_outside_becomes_markup() -> None:
    failure = Failure(EVIL, EVIL, 1)
    page = waiting(state="failed", reason=EVIL, failure=failure, log_tail=EVIL)
    assert EVIL not in page
    assert page.count("</script>") == 2
    problem = Problem("x", EVIL, 404, EVIL, {"candidates": [{"sha": EVIL, "url": "javascript:x"}]})
    assert EVIL not in pages.problem_page(VISIT, problem)
    assert "javascript:" not in pages.problem_page(VISIT, problem)


def test_every_script_and_style_has_the_nonce_and_nothing_comes_from_elsewhere() -> None:
    page = waiting()
    for tag in re.findall(r"<(?:script|style)\b[^>]*>", page):
        assert 'nonce="the-nonce"' in tag or 'type="application/json"' in tag
    assert not re.search(r"\b(?:src|href)=\"(?:https?:)?//", page)
    assert not re.search(r"\son\w+=|\sstyle=", page)
    assert len(page.encode()) < 50_000


def test_the_data_of_a_page_is_json_without_markup() -> None:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', waiting())
    assert found is not None
    assert json.loads(found.group(1))["sha"] == SHA


@pytest.mark.parametrize(
    "text",
    [EVIL, "<" * 5000, "\U0001f600" * 5000, "'" * 5000],
    ids=["evil", "markup", "wide", "quoted"],
)
def test_a_page_stays_small_whatever_is_written_to_it(text: str) -> None:
    commit = Commit(SHA, "branch", "main", text, text, committed=1.0)
    failed = Preview(
        *("hello", SHA, "failed", "building"),
        detail=text,
        reason=text,
        agent=text,
        steps=(Step("placed", 1.0, 2.0, 1.0), Step("building", 2.0, None, 1.0)),
        failure=Failure(text, text, 1),
        log_tail=f"{text}\n" * 20,
    )
    assert len(pages.waiting_page(VISIT, commit, failed, now=3.0).encode()) < 52_000


def test_a_page_shows_as_many_mistakes_as_fit() -> None:
    mistakes = tuple(
        Mistake(line, f"<key{line}> is not known; {'x' * 150}") for line in range(1, 21)
    )
    failure = Failure("settings-invalid", ".prevs.toml has 20 mistakes.", None, mistakes)
    page = waiting(state="failed", failure=failure, log_tail="a line\n" * 1000)
    assert len(page.encode()) < 50_000
    assert "The settings in its commit cannot be used." in page
    assert "<span>line 1</span> <bdi>&lt;key1&gt; is not known; xxx" in page
    assert "<span>line 9</span>" in page
    assert "<span>line 20</span>" not in page
    assert "prevs show hello 5c80e7d lists all 20" in page


def test_three_wrong_lines_are_three_lines() -> None:
    mistakes = (Mistake(1, "a"), Mistake(4, "b"), Mistake(9, "c"))
    failure = Failure("settings-invalid", ".prevs.toml has 3 mistakes.", None, mistakes)
    page = waiting(state="failed", failure=failure)
    lines = re.findall(r"<li><span>(line \d+)</span> <bdi>(.)</bdi></li>", page)
    assert lines == [("line 1", "a"), ("line 4", "b"), ("line 9", "c")]
    shown = re.search(r'<ul class="mistakes" id="mistakes"( hidden)?>', waiting(state="failed"))
    assert shown is not None
    assert shown[1]


def test_a_failed_preview_shows_the_reason_and_a_retry() -> None:
    page = waiting(state="failed", failure=Failure("app-exited", "It exited.", 0), log_tail="oh no")
    for text in ("It exited.", "app exited · exit code 0", "oh no", "/_prevs/retry", "Retry"):
        assert text in page
    assert 'http-equiv="refresh"' not in page


def test_a_page_of_a_starting_preview_reloads_itself_without_scripts() -> None:
    assert '<noscript><meta http-equiv="refresh"' in waiting(state="building")
    assert 'http-equiv="refresh"' not in waiting(state="stopped")


def test_a_visitor_without_the_right_to_start_gets_no_form() -> None:
    page = pages.waiting_page(dataclasses.replace(VISIT, token=""), COMMIT, None, now=0.0)
    assert "<form" not in page
    assert 'data-token=""' in page


def nowhere(slug: str) -> Problem:
    return Problem(slug, "?", 404, "Because of that.")


@pytest.mark.parametrize(
    ("problem", "sentence", "again"),
    [
        (nowhere("unknown-app"), "Because of that.", None),
        (nowhere("unknown-label"), "Because of that.", None),
        (nowhere("not-found"), "Because of that.", None),
        (nowhere("ambiguous-label"), "Because of that.", None),
        (unavailable("In a moment.", retry_after=7), "In a moment.", "7"),
        (closed_connection(VISIT.host), "closed the connection without an answer", None),
    ],
)
def test_a_problem_is_described_and_a_temporary_one_reloads_the_page(
    problem: Problem, sentence: str, again: str | None
) -> None:
    page = pages.problem_page(VISIT, problem)
    assert sentence in page
    found = re.search(r'<meta http-equiv="refresh" content="(\d+)">', page)
    assert (found[1] if found else None) == again


def test_candidates_are_links_to_their_addresses() -> None:
    candidates = [{"sha": SHA, "kind": "tag", "ref": "v1", "subject": "s", "url": "http://a.b/"}]
    problem = Problem("ambiguous-label", "?", 409, "Two.", {"candidates": [*candidates, 3, {}]})
    page = pages.problem_page(VISIT, problem)
    assert page.count('href="http://a.b/"') == 1
    assert page.count("<li>") == 1


def test_a_mistyped_branch_has_links_to_similar_ones_at_the_same_path() -> None:
    def candidate(name: str, *, near: bool) -> dict[str, object]:
        url = f"http://{name}.hello.localhost/"
        return {"sha": SHA, "kind": "branch", "ref": name, "label": name, "near": near, "url": url}

    visit = dataclasses.replace(VISIT, path="/cart?x=1&y=2")

    def show(*candidates: object) -> str:
        problem = Problem("unknown-label", "?", 404, "No.", {"candidates": list(candidates)})
        return " ".join(pages.problem_page(visit, problem).split())

    near = [candidate(name, near=True) for name in ("main", "mail", "maia")]
    page = show(*near)
    link = '<a href="http://main.hello.localhost/cart?x=1&amp;y=2"><bdi>main</bdi></a>'
    assert link in page
    assert re.sub("<[^>]+>", "", page).count("Did you mean main, mail or maia?") == 1
    page = show(near[0], candidate("trunk", near=False))
    assert "Did you mean main?" in re.sub("<[^>]+>", "", page)
    assert "Its default branch is trunk." in re.sub("<[^>]+>", "", page)
    assert "Did you mean" not in show({**near[0], "url": "javascript:x"}, 3, {})
    assert "Did you mean" not in show()


def test_an_address_of_a_variant_that_is_not_open_leads_to_others_at_the_same_path() -> None:
    known = {"label": "feature-x", "url": "http://feature-x--shop.localhost:8080/"}
    problem = Problem(
        "unknown-variant", "?", 404, "No x. It has feature-x.", {"candidates": [known]}
    )
    visit = dataclasses.replace(VISIT, path="/cart?x=1")
    page = pages.problem_page(visit, brief_problem(problem))
    assert "<h1>There is no such variant</h1>" in page
    link = '<a href="http://feature-x--shop.localhost:8080/cart?x=1"><bdi>feature-x</bdi></a>'
    assert page.count(link) == 1
    assert '<ul class="candidates">' not in pages.problem_page(
        visit, Problem("unknown-variant", "?", 404, "No.")
    )


def test_an_app_that_shows_its_status_only_shows_no_branch() -> None:
    candidate = {"sha": SHA, "ref": "secret", "near": True, "url": "http://secret.hello.localhost/"}
    problem = Problem("unknown-label", "?", 404, "No.", {"candidates": [candidate]})
    assert "secret" in pages.problem_page(VISIT, problem)
    assert "secret" not in pages.problem_page(VISIT, brief_problem(problem))


def test_a_refused_visitor_sees_the_reason_while_the_preview_runs() -> None:
    visit = dataclasses.replace(VISIT, refused="hello.x.a1")
    runs = Preview("hello", SHA, "running", reason="Mesos has been asked.")
    for visitor, preview, is_refused in (
        (visit, runs, True),
        (visit, dataclasses.replace(runs, state="queued"), False),
        (VISIT, runs, False),
    ):
        page = pages.waiting_page(visitor, COMMIT, preview, now=0.0)
        shown = page.partition('<script type="application/json"')[0]
        assert (SENTENCES["refused"] in shown) is is_refused
        assert "Mesos has been asked." in shown
        assert ('data-refused="hello.x.a1"' in shown) is (visitor is visit)


def test_a_page_says_which_commit_shows_another_one_that_is_the_same() -> None:
    newer = read_commit({"sha": SHA, "commit": "b" * 40})
    preview = Preview("hello", SHA, "queued")
    page = pages.waiting_page(VISIT, newer, preview, now=1000.0)
    assert "bbbbbbb" in page
    assert "shown by <code>5c80e7d</code>, which is the same: nothing of hello changed." in page
    assert "which is the same" not in waiting()
    instance = dataclasses.replace(preview, built_from="b" * 40, instance="x--shop")
    assert "which is the same" not in pages.waiting_page(VISIT, newer, instance, now=1000.0)
