"""The texts that prevs says in pull requests. Pure.

Titles, subjects and messages are foreign. They come as code spans, in which no forge reads names
(@), numbers (#), links, commands or markup, and on one line.
"""

import hmac
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from framework.ports.telling import Light
from framework.stacks.pull_variants import EnteredVariant
from prevs import names
from prevs.names import Addresses
from program.text.foreign_text import drop_unseen

LONGEST_QUOTE = 200
LONGEST_STATUS = 140
_MARKER_DIGITS = 16
_SHOWS_IT = "shows it with the other apps of that stack"
_WILL_SHOW_IT = f"{_SHOWS_IT}, while its variant is open"
_MOST_VARIANTS = 10


class Wording(NamedTuple):
    """What the texts of an installation have in common: its addresses, and a key for markers.

    Only who has the key can write a marker before we do. So a comment with one is ours.
    """

    addresses: Addresses
    key: bytes

    def marker(self, app: str, number: int) -> str:
        """Return the first line of our comment of a pull request, which forges do not show."""
        about = f"pull request {app}/{number}".encode()
        installation = hmac.digest(self.key, about, "sha256").hex()[:_MARKER_DIGITS]
        return f"<!-- prevs {installation}/{app} -->"


class Standing(NamedTuple):
    """How a pull request's head stands: in the comment, in words, and as a status.

    `markdown` is the cell of the comment's table; `text` is the same for people without links. No
    comment begins with one that `is_quiet`.
    """

    markdown: str
    text: str
    light: Light
    status: str
    is_quiet: bool = False


class Head(NamedTuple):
    """The head of a pull request, for a comment; `subject` is its commit's, "" if not known.

    `variants` are those of stacks that have it.
    """

    app: str
    number: int
    label: str
    sha: str
    subject: str = ""
    variants: Sequence[EnteredVariant] = ()


def quote(text: str) -> str:
    """Return foreign text as a code span for a table's cell, "" for nothing."""
    line = shorten(text, LONGEST_QUOTE).replace("`", "'")
    # In a cell, a bar ends it even in code; a backslash means something before a bar alone.
    line = re.sub(r"\\*\|", r"\\|", line)
    return f"`{line}`" if line else ""


def shorten(text: str, most: int = LONGEST_STATUS) -> str:
    """Return foreign text on one line of at most `most` characters: a commit status by default."""
    line = " ".join(drop_unseen(text[: most * 4]).split())
    return line if len(line) <= most else f"{line[: most - 1]}\N{HORIZONTAL ELLIPSIS}"


def write_comment(wording: Wording, head: Head, standing: Standing, *, is_guarded: bool) -> str:
    """Return the whole comment of an open pull request."""
    commit = f"`{names.short(head.sha)}` {quote(head.subject)}".strip()
    return (
        f"{_begin(wording, head)} follows this pull request\n\n"
        f"{_describe_variants(wording, head, _SHOWS_IT)}"
        "| commit | preview |\n"
        "|---|---|\n"
        f"| {commit} | {standing.markdown} |\n\n"
        f"<sub>{_describe_use(head, is_guarded=is_guarded)}</sub>\n"
    )


def write_lasting_comment(
    wording: Wording, head: Head, *, is_guarded: bool, waits: bool = False
) -> str:
    """Return the comment for a forge where none can be edited: it is true for each commit."""
    approval = (
        "It comes from a fork. Somebody who may write to the repository can have a commit of it "
        "built, without the app's secrets, with a comment that is one line: `/prevs approve` and "
        "all 40 digits of the commit.\n\n"
    )
    return (
        f"{_begin(wording, head)} follows this pull request: it starts when somebody opens it\n\n"
        f"{_describe_variants(wording, head, _WILL_SHOW_IT)}"
        f"{approval if waits else ''}"
        f"{_describe_use(head, is_guarded=is_guarded)}\n"
    )


def write_last_comment(wording: Wording, head: Head) -> str:
    """Return what the comment of a pull request becomes once that is closed."""
    return (
        f"{wording.marker(head.app, head.number)}\n"
        f"**{head.app}**: Closed: the preview stops and its files are removed, unless a branch or "
        "tag leads to its commit.\n"
    )


def _begin(wording: Wording, head: Head) -> str:
    marker = wording.marker(head.app, head.number)
    return f"{marker}\n{_write_link(head.app, wording.addresses.url(head.label, head.app))}"


def _describe_variants(wording: Wording, head: Head, how: str) -> str:
    """Return a paragraph for each variant of a stack that has the head."""
    return "".join(f"{line}\n\n" for line in _list_variants(wording, head.variants, how))


def _list_variants(wording: Wording, variants: Sequence[EnteredVariant], how: str) -> Iterator[str]:
    for one in variants[:_MOST_VARIANTS]:
        yield f"{_write_link(one.stack, wording.addresses.gate_url(one.label))} {how}"
    if (more := len(variants) - _MOST_VARIANTS) > 0:
        yield f"{more} more variants of stacks have it: `prevs stack ls`"


def _write_link(name: str, url: str) -> str:
    return f"**{name}** \N{MIDDLE DOT} [{url.partition('://')[2].strip('/')}]({url})"


def _describe_use(head: Head, *, is_guarded: bool) -> str:
    access = "It is not open to everybody. " if is_guarded else ""
    return f"{access}It stops when nobody uses it. `prevs logs {head.app} {head.label}`"
