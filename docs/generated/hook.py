"""What mkdocs does beside its own: pages made of the code, and links out of docs/.

Run at the top of the repository: `python -m mkdocs build`.
"""

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from docs.generated import (
    commands,
    commit_settings,
    event_kinds,
    forges,
    http_api,
    metrics,
    settings,
)
from docs.generated.tables import table

_ROOT = Path(__file__).parents[2]
_DECISIONS = _ROOT / "docs" / "decisions"
_DECISIONS_SAY = """\
# Decisions

A page for each choice that had a real alternative, with the measurements behind it.
"""
_SEARCH = 'data-md-component="search" role="dialog"'
_ITEM = re.compile(r"(-|\d+\.) ")
_WIDE = {
    "comparison.md": ["navigation", "toc"],
    "negotiation.md": ["toc"],
    "performance.md": ["toc"],
    "pages.md": ["toc"],
    "reliability.md": ["toc"],
}
"""Pages whose tables want more room, and what gives it to them."""
_TEST = re.compile(r"(?<![\w/#\"])test_\w{20,}")
_UPWARD = re.compile(r"\[([^\]]+)\]\((\.\./[^)\s]+)\)")


def part_lists(markdown: str) -> str:
    """Put an empty line before each list: mkdocs wants one, where other readers do not."""
    lines: list[str] = []
    fenced = False
    for line in markdown.splitlines():
        fenced ^= line.startswith("```")
        before = lines[-1] if lines else ""
        if not fenced and _ITEM.match(line) and before and not _ITEM.match(before):
            lines.append("")
        lines.append(line)
    return "\n".join(lines)


def _from_root(name: str) -> str:
    """Return a page of the repository's top with its links as they are seen from docs/."""
    return (_ROOT / name).read_text().replace("](docs/", "](")


def _decisions() -> str:
    rows = []
    for path in sorted(_DECISIONS.glob("0*.md")):
        title = path.read_text().splitlines()[0].removeprefix("# ")
        number, _, says = title.partition(". ")
        rows.append([number, f"[{says}](decisions/{path.name})"])
    return "\n".join([_DECISIONS_SAY, *table(("", "decided"), rows)])


_PAGES = {
    "settings.md": settings.page,
    "commit-settings.md": commit_settings.page,
    "http-api.md": http_api.page,
    "commands.md": commands.page,
    "metrics.md": metrics.page,
    "forge-kinds.md": forges.page,
    "event-kinds.md": event_kinds.page,
    "decisions.md": _decisions,
    "contributing.md": lambda: _from_root("CONTRIBUTING.md"),
    "changelog.md": lambda: _from_root("CHANGELOG.md"),
}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are in no file of docs/."""
    for path, make in _PAGES.items():
        files.append(File.generated(config, path, content=make()))  # type: ignore[no-untyped-call]
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Fit a page for the site: room for its tables, lists, links to what is on the site only."""
    del config, files
    if page.file.src_uri in _WIDE:
        page.meta["hide"] = _WIDE[page.file.src_uri]
    folder = posixpath.dirname(page.file.src_uri)

    def keep(link: re.Match[str]) -> str:
        there = posixpath.normpath(posixpath.join(folder, link[2]))
        return f"{link[1]}: `{there[3:]}`" if there.startswith("..") else link[0]

    return part_lists(_UPWARD.sub(keep, markdown.replace("](decisions/)", "](decisions.md)")))


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let the long names of tests be broken: they would take all the room of a table."""
    del page, config, files
    return _TEST.sub(lambda name: name[0].replace("_", "_<wbr>"), html)


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Give the theme's search its name, for who does not see it."""
    del page, config
    return output.replace(_SEARCH, f'{_SEARCH} aria-label="Search"')
