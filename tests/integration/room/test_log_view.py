"""The viewer of logs in a browser, on a page whose policy allows no style attribute and no eval."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from program import web
from tests.accessibility import find_barriers
from tests.chromium import Chromium

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

_POLICY = "default-src 'none'; script-src 'nonce-n'; style-src 'nonce-n'"
_STYLE = web.read("theme.css") + web.read("log_view.css") + "#log { height: 30rem }"
_SCRIPT = web.read("terminal.js") + web.read("log_view.js")
_PAGE = f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A log</title>
<meta http-equiv="Content-Security-Policy" content="{_POLICY}"><style nonce="n">{_STYLE}</style>
</head><body><main><h1>A log</h1><section id="log"><pre>plain</pre></section></main>
<script nonce="n">{_SCRIPT}
const view = new LogView(document.getElementById("log"), {{ title: "Log", download: "/x" }});
</script></body></html>"""


@pytest.fixture(scope="module")
def opened(browser: Chromium) -> Iterator[Page]:
    with browser.new_page() as page:
        page.set_content(_PAGE)
        yield page


@pytest.fixture
def page(opened: Page) -> Iterator[Page]:
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.evaluate("view.clear(); view.setFollowing(true); view.setWrapped(true)")
    yield opened
    assert complaints == []


def write(page: Page, *pieces: str) -> None:
    """Write to the log and wait until all of it is shown."""
    page.evaluate(
        """async (pieces) => {
            pieces.forEach((piece) => view.write(piece));
            while (view.waiting.length || view.frame) await new Promise(requestAnimationFrame);
        }""",
        list(pieces),
    )


def rows(page: Page) -> list[str]:
    found = page.evaluate("[...document.querySelectorAll('.log-row')].map((r) => r.textContent)")
    assert isinstance(found, list)
    return found


def part(page: Page, text: str) -> Locator:
    return page.locator(".log-row span", has_text=text)


@pytest.mark.parametrize(
    ("pieces", "shown"),
    [
        (["12%\r50%\r100%\n"], ["100%"]),
        (["Downloading 100%\r\x1b[Kdone\n"], ["done"]),
        (["\x1b[2K\x1b[1Gone\x1b[2K\x1b[1Gtwo\n"], ["two"]),
        (["long line\rshort\n"], ["shortline"]),
        (["abc\b\bX\n"], ["aXc"]),
        (["a\x1b[3Cb\x1b[9Dc\n"], ["c   b"]),
        (["\x1b[3", "1mcut\x1b", "[0m in\x1b", "]0;a title", "\x07 pieces\n"], ["cut in pieces"]),
        (["\x1b]8;;http://evil/\x1b\\link\x1b]8;;\x1b\\ text\n"], ["link text"]),
        (["a\x1b]0;never ended\nb\n"], ["a", "b"]),
        (["\x1bP1$r0m\x1b\\a\x1b(Bb\x1b[?25lc\x1b[12;30Hd\x9b31me\x1b[2Jf\n"], ["abcdef"]),
        (["nul\0 bell\a del\x7f \ud83d\ude00\n"], ["nul bell del \U0001f600"]),
        (["<script>alert(1)</script><b>&amp;\n"], ["<script>alert(1)</script><b>&amp;"]),
        (["user\u202egnp.exe\u2066\n"], ["user<U+202E>gnp.exe<U+2066>"]),
        (["z" + "\u0301" * 500 + "algo\n"], ["z" + "\u0301" * 5 + "algo"]),
        (["a\r\n\r\nb"], ["a", "", "b"]),
    ],
)
def test_text_is_shown_as_a_terminal_would(page: Page, pieces: list[str], shown: list[str]) -> None:
    write(page, *pieces)
    assert rows(page) == shown


def test_colours_are_drawn_and_stay_readable(page: Page) -> None:
    write(page, "\x1b[1;31mred\x1b[0m \x1b[38;5;28mgreen \x1b[38;2;0;0;255;4mblue\x1b[m plain\n")
    write(page, "\x1b[31;41mred on red\x1b[0m \x1b[38:2::255:0:255mcolons \x1b[7mswapped\x1b[0m\n")
    assert rows(page) == ["red green blue plain", "red on red colons swapped"]
    expect(part(page, "red").first).to_have_css("color", "rgb(255, 123, 114)")
    expect(part(page, "red").first).to_have_css("font-weight", "700")
    expect(part(page, "blue")).to_have_css("text-decoration-line", "underline")
    expect(part(page, "colons")).to_have_css("color", "rgb(255, 0, 255)")
    assert find_barriers(page) == []


def test_a_search_counts_its_matches_and_goes_from_one_to_the_next(page: Page) -> None:
    write(page, *[f"\x1b[3{n % 8}mline\x1b[0m {n} of 300 (x)\n" for n in range(300)])
    page.locator(".log-lines").focus()
    page.keyboard.press("/")
    page.keyboard.type("LINE 29")
    result, here = page.locator(".log-find span"), page.locator(".log-here")
    expect(result).to_have_text("1 of 11")
    expect(here).to_have_text("line 29 of 300 (x)")
    page.keyboard.press("Enter")
    expect(here).to_have_text("line 290 of 300 (x)")
    expect(here).to_be_in_viewport()
    page.keyboard.press("Shift+Enter")
    page.keyboard.press("Shift+Enter")
    expect(result).to_have_text("11 of 11")
    write(page, "line 29 came later\n")
    expect(result).to_have_text("11 of 12")
    page.get_by_role("searchbox").fill("(x) nowhere")
    expect(result).to_have_text("none")
    page.keyboard.press("Escape")
    expect(result).to_have_text("")
    expect(page.locator(".log-lines")).to_be_focused()


def test_the_log_follows_its_end_until_somebody_scrolls_up(page: Page) -> None:
    lines, follow = page.locator(".log-lines"), page.get_by_role("button", name="Follow")
    write(page, "line\n" * 500)
    last = page.locator(".log-row").last
    expect(last).to_be_in_viewport()
    lines.focus()
    page.keyboard.press("Home")
    expect(page.locator(".log-row").first).to_be_in_viewport()
    expect(follow).to_have_attribute("aria-pressed", "false")
    write(page, "line\n" * 500)
    expect(last).not_to_be_in_viewport()
    follow.press("Enter")
    expect(follow).to_have_attribute("aria-pressed", "true")
    expect(last).to_be_in_viewport()


def test_long_lines_are_not_wrapped_on_request(page: Page) -> None:
    wrap, lines = page.get_by_role("button", name="Wrap"), page.locator(".log-lines")
    write(page, "word " * 300 + "\n")
    overflows = "e => e.scrollWidth > e.clientWidth"
    assert not lines.evaluate(overflows)
    wrap.press("Enter")
    expect(wrap).to_have_attribute("aria-pressed", "false")
    assert lines.evaluate(overflows)


def test_a_line_of_10_mb_is_cut_and_its_length_shown(page: Page) -> None:
    page.evaluate("for (let n = 0; n < 160; n++) view.write('y'.repeat(65536))")
    write(page, "\nnext\n")
    [long, following] = rows(page)
    assert long.startswith(
        "y" * 10_000 + " \u2026 and 10,475,760 more characters; the download has them"
    )
    assert following == "next"


def test_only_the_end_of_a_log_that_is_too_long_is_kept_and_the_page_shows_that(page: Page) -> None:
    page.evaluate("for (let n = 0; n < 500; n++) view.write(`${'line\\n'.repeat(200)}`)")
    write(page, "the last\n")
    expect(page.locator(".log-count")).to_have_text("100,001 lines")
    expect(page.locator(".log-dropped")).to_contain_text("the download has them")
    kept = rows(page)
    assert kept[-1] == "the last"
    assert len(kept) <= 40_000
    number = page.locator(".log-row").last.get_attribute("data-number")
    assert number == "100001"
