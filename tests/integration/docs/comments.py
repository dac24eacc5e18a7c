"""The comments that prevs writes in pull requests, rendered as a forge renders Markdown."""

from markdown_it import MarkdownIt

from framework.pulls.gate import Rules
from framework.stacks.pull_variants import EnteredVariant
from framework.telling import standing, wording
from framework.telling.wording import Head, Standing, Wording
from prevs import names
from prevs.pulls import PullRecord
from prevs.records import PreviewRecord
from prevs.states import State
from tests.integration.docs import scenes

_WORDING = Wording(names.addresses("prevs.example", 80), b"key")
_MARKDOWN = MarkdownIt("commonmark").enable("table")
_FORK = "3c1e0f6b52d94a7788c0de1f5a6b7c8d9e0f1a2b"
_SUBJECT = "Suggest products as one types"
_IN_STACK = EnteredVariant("store", "suggestions", "suggestions--store")
_PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Comments in pull requests</title>
<style>
  :root { color-scheme: light dark }
  body { margin: 24px; font: 15px/1.5 system-ui, sans-serif; color: light-dark(#1f2328, #f0f6fc);
         background: light-dark(#fff, #0d1117) }
  article { max-width: 820px; margin: 0 auto 20px; border: 1px solid light-dark(#d1d9e0, #3d444d);
            border-radius: 6px }
  header { padding: 8px 16px; border-bottom: 1px solid light-dark(#d1d9e0, #3d444d);
           background: light-dark(#f6f8fa, #151b23) }
  article > div { padding: 4px 16px }
  a { color: light-dark(#0969da, #4493f8) }
  table { border-collapse: collapse }
  th, td { padding: 6px 13px; border: 1px solid light-dark(#d1d9e0, #3d444d); text-align: left }
  code { font-size: 85%; padding: 2px 5px; border-radius: 6px; overflow-wrap: anywhere;
         background: light-dark(#eff1f3, #262c36) }
  td:first-child code:first-child { white-space: nowrap }
</style>
"""


def write_page() -> str:
    """Return a page with two comments: of a head that is being built, and of a fork's."""
    built = PreviewRecord("shop", scenes.SEARCH, state=State.BUILDING)
    fork = PullRecord("shop", 124, _FORK, "pull/124/head")
    waits = standing.describe_gated(Rules("all", "approve"), fork)
    assert waits is not None
    return _PAGE + "".join(
        (
            _comment(
                Head("shop", 123, "pr-123", scenes.SEARCH, _SUBJECT, [_IN_STACK]), _describe(built)
            ),
            _comment(Head("shop", 124, "pr-124", _FORK), waits),
        )
    )


def _describe(preview: PreviewRecord) -> Standing:
    url = _WORDING.addresses.url(names.short(preview.sha), preview.app)
    return standing.describe_preview(preview, None, label="pr-123", url=url)


def _comment(head: Head, how: Standing) -> str:
    text = wording.write_comment(_WORDING, head, how, is_guarded=False)
    return f"<article><header><b>prevs</b></header><div>{_MARKDOWN.render(text)}</div></article>"
