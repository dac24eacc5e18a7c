"""The waiting room's pages as HTML. Pure: values in, text out.

A page asks for nothing outside: its style and script are in it, allowed by a nonce. Everything that
comes from a repository or a visitor is escaped.
"""

import dataclasses
import json
from pathlib import Path
from typing import Any

import jinja2

from prevs import names
from prevs.states import State
from proxy.preview import Commit, Preview
from proxy.problems import Problem

_FOLDER = Path(__file__).parent

SENTENCES = {
    "": "Nobody has asked for this version yet.",
    "queued": "Waiting for a place to run.",
    "placed": "An agent has taken it and gets ready.",
    "building": "Building its image.",
    "building/fetching": "Fetching the commit.",
    "starting": "Starting its container.",
    "starting/checking": "Its container runs; waiting for the first answer.",
    "running": "It answers. Letting you in.",
    "draining": "Its last run is being ended.",
    "stopped": "It was stopped.",
    "failed": "It could not be started.",
    "refused": "It runs, but accepts no connections just now.",
}
"""What a state, or a state and phase, means for a visitor; and one that was refused there."""

_TITLES = {
    "unknown-app": "There is no such app",
    "unknown-label": "There is no such version",
    "not-found": "This is no preview's address",
    "ambiguous-label": "Which one do you mean?",
    "repository-unreachable": "The repository cannot be read",
    "unavailable": "One moment",
    "no-answer": "The application did not answer",
}


@dataclasses.dataclass(frozen=True)
class Visit:
    """Who looks at a page: under which host name, and where the visitor wants to go.

    `token` lets the page start the preview; it is empty for those who may not. `refused` is the
    task that took no connection from this visitor.
    """

    host: str
    label: str
    app: str
    path: str
    nonce: str
    token: str
    refused: str = ""


def sentence(state: str, phase: str) -> str:
    """Return what a preview's state means."""
    return SENTENCES.get(f"{state}/{phase}") or SENTENCES.get(state) or state


def waiting_page(visit: Visit, commit: Commit, preview: Preview | None, now: float) -> str:
    """Return the page that waits for a preview, or says why it failed."""
    wait = preview.next_try_in(now) if preview else None
    state, phase = (preview.state, preview.phase) if preview else ("", "")
    is_refused = bool(visit.refused) and state == State.RUNNING.value
    return _environment.get_template("waiting.html.j2").render(
        visit=visit,
        commit=commit,
        short=names.short(commit.sha),
        preview=preview,
        state=state,
        sentence=SENTENCES["refused"] if is_refused else sentence(state, phase),
        next_try=f"next try in {wait:.0f} s" if wait else "",
        is_coming=preview is not None and preview.is_coming,
        has_failed=state == State.FAILED.value,
        data=_json({"sentences": SENTENCES, "preview": preview.view(now) if preview else None}),
    )


def problem_page(visit: Visit, problem: Problem) -> str:
    """Return the page that says why there is nothing here, and what to do about it."""
    found = problem.fields.get("candidates")
    return _environment.get_template("problem.html.j2").render(
        visit=visit,
        problem=problem,
        title=_TITLES.get(problem.slug, problem.title),
        candidates=[c for c in found if _is_candidate(c)] if isinstance(found, list) else [],
    )


def security_headers(nonce: str) -> dict[str, str]:
    """Return the headers of every page."""
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; "
        "connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        # "no-referrer" would make browsers send "Origin: null" with the page's own forms.
        "Referrer-Policy": "same-origin",
        "Cache-Control": "no-store",
        "Vary": "Accept, Sec-Fetch-Mode",
    }


def _is_candidate(value: Any) -> bool:
    """Tell whether a link to a candidate may be shown."""
    if not isinstance(value, dict) or not isinstance(value.get("sha"), str):
        return False
    return str(value.get("url", "")).startswith(("http://", "https://"))


def _json(value: object) -> str:
    """Return JSON that can stand in a <script> element."""
    return json.dumps(value).replace("<", "\\u003c")


_environment = jinja2.Environment(
    loader=jinja2.FileSystemLoader(_FOLDER), undefined=jinja2.StrictUndefined, autoescape=True
)
_environment.globals["style"] = (_FOLDER / "room.css").read_text(encoding="utf-8")
_environment.globals["script"] = (_FOLDER / "room.js").read_text(encoding="utf-8")
