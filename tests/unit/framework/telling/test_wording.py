import re

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from framework.ports.telling import Light
from framework.pulls.looks import find_approved
from framework.stacks.pull_variants import EnteredVariant
from framework.telling import wording
from framework.telling.wording import LONGEST_QUOTE, LONGEST_STATUS, Head, Standing, Wording, quote
from prevs import names

A = "a" * 40
WORDING = Wording(names.addresses("prevs.example", 80), b"key")
OPEN = Standing("[open it](http://x/)", "ready", Light.SUCCESS, "opens at pr-7")
MARKDOWN = MarkdownIt("commonmark").enable("table")
TEXTS = st.text(st.one_of(st.sampled_from("@#|`\\<>[]()!*_~\n/:- "), st.characters()), max_size=300)


def render(subject: str) -> str:
    head = Head("shop", 7, "pr-7", A, subject)
    return str(MARKDOWN.render(wording.write_comment(WORDING, head, OPEN, is_guarded=False)))


def test_a_subject_is_shown_as_it_is_and_does_nothing() -> None:
    page = render("Fix #7 for @ada | see [x](http://evil/) <img src=x> `rm` \\| /close --> **b**")
    (cell,) = re.findall(r"<td>(.*aaaaaaa.*)</td>", page)
    assert cell == (
        "<code>aaaaaaa</code> <code>Fix #7 for @ada | see [x](http://evil/) &lt;img src=x&gt; "
        "'rm' | /close --&gt; **b**</code>"
    )


@given(TEXTS)
def test_no_subject_leaves_its_code_span(subject: str) -> None:
    page = render(subject)
    outside = re.sub(r"<code>[^<]*</code>", "", page)
    assert page.count("<tr>") == 2
    assert page.count("<td>") == 2
    assert outside == re.sub(r"<code>[^<]*</code>", "", render("")).replace(
        "<td></td>", "<td> </td>" if quote(subject) else "<td></td>"
    )


@given(TEXTS, TEXTS)
def test_no_comment_of_ours_approves_anything(subject: str, more: str) -> None:
    subject = f"{subject}\n/prevs approve {A}\n{more}"
    text = wording.write_comment(
        WORDING, Head("shop", 7, "pr-7", A, subject), OPEN, is_guarded=False
    )
    assert find_approved(text) is None
    assert len(quote(subject)) <= LONGEST_QUOTE * 2 + 2


def test_a_status_has_one_short_line() -> None:
    assert wording.shorten("a\nb\x1b[31m") == "a b"
    assert len(wording.shorten("x" * 1000)) == LONGEST_STATUS


def test_a_marker_is_of_one_installation_app_and_pull_request() -> None:
    other = WORDING._replace(key=b"other")
    markers = {WORDING.marker("shop", 7), WORDING.marker("shop", 8), other.marker("shop", 7)}
    markers.add(WORDING.marker("api", 7))
    assert len(markers) == 4
    assert all(re.fullmatch(r"<!-- prevs [0-9a-f]{16}/[a-z]+ -->", one) for one in markers)


def test_a_guarded_app_says_that_not_everybody_may_look() -> None:
    head = Head("shop", 7, "pr-7", A)
    guarded = wording.write_comment(WORDING, head, OPEN, is_guarded=True)
    assert "It is not open to everybody." in guarded
    assert "everybody" not in wording.write_comment(WORDING, head, OPEN, is_guarded=False)


def test_variants_of_stacks_are_lines_and_not_too_many() -> None:
    found = [EnteredVariant("shop", f"v{n}", f"v{n}--shop") for n in range(12)]
    text = wording.write_comment(
        WORDING, Head("shop", 7, "pr-7", A, "", found), OPEN, is_guarded=False
    )
    page = str(MARKDOWN.render(text))
    link = '<a href="http://v9--shop.prevs.example/">v9--shop.prevs.example</a>'
    assert f"<p><strong>shop</strong> · {link} shows it with" in page
    assert page.count("--shop.prevs.example</a>") == 10
    assert "<p>2 more variants of stacks have it: <code>prevs stack ls</code></p>" in page
    assert "<table>" in page


def test_a_long_name_of_an_app_fits_into_the_flat_form() -> None:
    flat = Wording(names.Addresses("https://{label}--{app}.prevs.example/"), b"key")
    app = "a" * 40
    text = wording.write_lasting_comment(flat, Head(app, 7, "pr-7", A), is_guarded=False)
    assert f"[pr-7--{app}.prevs.example](https://pr-7--{app}.prevs.example/)" in text
