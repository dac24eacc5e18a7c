"""The landing page of an app as HTML. Pure: values in, text out."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from program.text.page_text import tame
from proxy.model.landing import Landing, LandingEntry, LandingList, LandingQuery
from proxy.pages import pages, wording
from proxy.pages.pages import Visit

_FOLDER = Path(__file__).parent
_STYLE, _SCRIPT = (
    pages.compact((_FOLDER / f"landing.{kind}").read_text(encoding="utf-8"))
    for kind in ("css", "js")
)
_TITLES = {"pull": "Pull requests", "branch": "Branches", "tag": "Tags"}
_NOT_APPROVED = "Not approved"
_TROUBLES = {
    "old": "The repository cannot be read now. This is what it had {}.",
    "unreadable": "The repository cannot be read now, so its branches and tags are not listed. The "
    "app's people see why. Load this page again later.",
    "being-fetched": "The repository is being read for the first time, so its branches and tags "
    "are not listed yet. Load this page again in a few seconds.",
    "other-repository": "Another repository has taken the address of the app's, and nothing of it "
    "is built. The app's people see what to do.",
}


class Row(NamedTuple):
    """An entry as it is shown. `name` is its link, `about` what is said beside that."""

    url: str
    name: str
    about: str
    sha: str
    by: str
    state: str
    word: str
    why: str
    serving: str
    same: str
    stacks: Sequence[tuple[str, str]]
    services: Sequence[tuple[str, str]]


class Section(NamedTuple):
    """A list as it is shown: `how_many` says how many there are, `follows` leads on.

    `more` is how many are not shown on the first page of all kinds.
    """

    kind: str
    title: str
    how_many: str
    rows: Sequence[Row]
    more: int
    all: str
    follows: str


def render(visit: Visit, app: str, landing: Landing, query: LandingQuery, *, now: float) -> str:
    """Return the page; `now` is in epoch seconds."""
    sections = [_show_list(one, query, now) for one in landing.lists if one.entries]
    return pages.render(
        "landing.html.j2",
        visit=visit,
        app=app,
        query=query,
        shows_all=landing.shows_all,
        trouble=_explain(landing, now),
        found_url=landing.found_url,
        main=_show_entry(landing.default, now) if landing.default else None,
        sections=sections,
        is_first=not query.after,
        before_commit=landing.commit_url.partition("COMMIT")[0],
        after_commit=landing.commit_url.partition("COMMIT")[2],
        landing_style=_STYLE,
        landing_script=_SCRIPT,
    )


def _explain(landing: Landing, now: float) -> str:
    """Return what is wrong with the list of branches and tags, "" if nothing is."""
    as_of = landing.as_of
    age = "when it was last read" if as_of is None else wording.spell_age(now - as_of)
    return _TROUBLES.get(landing.trouble, "").format(age)


def _show_list(found: LandingList, query: LandingQuery, now: float) -> Section:
    whole = {"kind": found.kind, "q": query.search}
    return Section(
        kind=found.kind,
        title=_TITLES[found.kind],
        how_many=f"{found.total:,}",
        rows=[_show_entry(entry, now) for entry in found.entries],
        more=0 if query.kind else found.more,
        all=_link(whole),
        follows=_link({**whole, "after": found.next}) if query.kind and found.next else "",
    )


def _show_entry(entry: LandingEntry, now: float) -> Row:
    is_pull = entry.kind == "pull"
    age = wording.spell_age(now - entry.at) if entry.at else ""
    return Row(
        url=entry.url,
        name=tame((entry.title if is_pull else "") or entry.name, 200),
        about=tame(entry.name if is_pull else entry.title, 300),
        sha=entry.sha,
        by=", ".join(filter(None, (tame(entry.author, 100), age))),
        state=entry.state if entry.may_run else "queued",
        word=wording.WORDS.get(entry.state, entry.state) if entry.may_run else _NOT_APPROVED,
        why=tame(entry.why, 300) if entry.may_run else "Its page says who can approve it.",
        serving=entry.serving,
        same=entry.same,
        stacks=[(tame(stack, 100), url) for stack, url in entry.stacks],
        services=[(tame(name, 100), url) for name, url in entry.services],
    )


def _link(fields: dict[str, str]) -> str:
    return f"/?{urlencode({name: text for name, text in fields.items() if text})}"
