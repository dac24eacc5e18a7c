"""The waiting room's pages as HTML. Pure: values in, text out.

A page loads nothing from outside: it contains its style and script, allowed by a nonce. All text
from a repository or a visitor is escaped.
"""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

from prevs import names
from program import web
from program.text.page_text import end_of_log, tame
from proxy.model.preview import Commit, Preview
from proxy.model.problems import Problem
from proxy.pages import view, wording

_FOLDER = Path(__file__).parent

_TITLES = {
    "unknown-app": "There is no such app",
    "unknown-label": "There is no such version",
    "unknown-variant": "There is no such variant",
    "not-found": "This is not a preview's address",
    "ambiguous-label": "Which one do you mean?",
    "not-approved": "This commit has not been approved",
    "other-repository": "The repository is not the one that is meant",
    "repository-unreachable": "The repository cannot be read",
    "unavailable": "One moment",
    "no-answer": "The application did not answer",
}


@dataclasses.dataclass(frozen=True)
class Visit:
    """A visit to a page: its host name, and the path that the visitor wants.

    `site` is the host name that the visitor uses: `host`, or a gate that leads there. `token` lets
    the page start the preview; it is empty for visitors who may not. `refused` is the task that
    refused this visitor's connection.
    """

    host: str
    label: str
    app: str
    path: str
    nonce: str
    token: str
    refused: str = ""
    site: str = ""

    @property
    def ref(self) -> str:
        """The label that the page's own requests have to name, as a gate has several; else ""."""
        return self.label if self.site not in ("", self.host) else ""


def waiting_page(
    visit: Visit,
    commit: Commit,
    preview: Preview | None,
    *,
    now: float,
    log_token: str = "",
    shows_all: bool = True,
) -> str:
    """Return the page that waits for a preview, or explains why it failed.

    `now` is in epoch seconds. With `log_token` the page reads the log. Without `shows_all`, the
    commit and the preview have to be brief already.
    """
    shown = view.unasked(visit.app, commit.sha, commit.variant)
    if preview:
        shown = view.show(preview, now, refused=visit.refused)
    return render(
        "waiting.html.j2",
        visit=visit,
        commit=commit,
        age=wording.spell_age(now - commit.committed) if commit.committed else "",
        short=names.short(commit.commit),
        same=_find_same(commit, preview) if shows_all else "",
        variant=preview.variant if preview else commit.variant,
        as_of=_as_of(visit.label, commit, now),
        serving=names.short(preview.serving.get(visit.label, "")) if preview else "",
        view=shown,
        log_token=log_token,
        shows_all=shows_all,
        log_end=_log_end(preview) if preview else "",
        data=_json({key: x for key, x in shown.message().items() if key != "members"}),
    )


def _find_same(commit: Commit, preview: Preview | None) -> str:
    """Return the commit of a preview that serves another commit too, "" if it is its own."""
    is_other = preview is not None and preview.commit == commit.sha != commit.commit
    return names.short(commit.sha) if is_other else ""


def _as_of(label: str, commit: Commit, now: float) -> str:
    """Return the note on a commit that may be out of date, without the reason: it may be secret."""
    if not commit.out_of_date:
        return ""
    age = "when it was last read" if commit.as_of is None else wording.spell_age(now - commit.as_of)
    return f"The repository cannot be read now. This is {label} as it was {age}."


def _log_end(preview: Preview) -> str:
    """Return the last lines of a log; fewer if the page has mistakes or members to show, too."""
    has_mistakes = preview.failure is not None and preview.failure.mistakes
    return end_of_log(preview.log_tail, 500 if has_mistakes or preview.variant else 2500)


def problem_page(visit: Visit, problem: Problem) -> str:
    """Return the page that explains a problem, and what to do about it."""
    found = problem.fields.get("candidates")
    candidates = [c for c in found if _has_address(c)] if isinstance(found, list) else []
    is_unknown = problem.slug in ("unknown-label", "unknown-variant")
    return render(
        "problem.html.j2",
        visit=visit,
        problem=problem,
        title=_TITLES.get(problem.slug, problem.title),
        candidates=[c for c in candidates if not is_unknown and isinstance(c.get("sha"), str)],
        near=[_link(visit, c) for c in candidates if is_unknown and c.get("near") is True],
        others=[_link(visit, c) for c in candidates if is_unknown and c.get("near") is not True],
    )


def sign_in_page(visit: Visit, app: str, fields: Mapping[str, str], *, trouble: str) -> str:
    """Return the form for an app's password; `fields` come back with it.

    `trouble` is what was wrong with the last try, if there was one.
    """
    return render("sign_in.html.j2", visit=visit, app=app, fields=fields, trouble=trouble)


def team_page(visit: Visit, app: str, problem: Problem, again: str) -> str:
    """Return why somebody does not get into an app for its team; `again` leads to the sign-in."""
    return render("team.html.j2", visit=visit, app=app, problem=problem, again=again)


def refused_cookies_page(domain: str) -> str:
    """Return the page whose button removes cookies that are too large for a preview.

    It removes those of its own host and of its parent domains, up to `domain`. HAProxy serves it
    from a file, as only HAProxy can read such a request; all visitors get the same.
    """
    return render("cookies.html.j2", domain=domain, visit={"nonce": ""})


def removed_cookies_page(domain: str) -> str:
    """Return the page behind that button, which leads back. HAProxy serves it from a file, too."""
    return render("cookies_removed.html.j2", domain=domain, visit={"nonce": ""})


def security_headers(nonce: str, *, goes_to: str = "") -> dict[str, str]:
    """Return the headers of every page. Its forms may lead to the origin `goes_to` too."""
    own = f"'self' {goes_to}".strip()
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; "
        f"connect-src 'self'; img-src data:; form-action {own}; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        # "no-referrer" would make browsers send "Origin: null" with the page's own forms.
        "Referrer-Policy": "same-origin",
        "Cache-Control": "no-store",
        "Vary": "Accept, Sec-Fetch-Mode",
    }


def compact(*texts: str) -> str:
    """Return scripts or styles without comments and indentation, as a visitor waits for each byte.

    Their comments must stand on lines of their own, and no string may span lines.
    """
    lines = (line.strip() for text in texts for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith(("//", "/*")))


def render(template: str, **values: object) -> str:
    """Return a page made of a template of this folder."""
    return _environment.get_template(template).render(**values)


def _has_address(value: Any) -> bool:
    """Return whether a link to a candidate may be shown."""
    if not isinstance(value, dict):
        return False
    return str(value.get("url", "")).startswith(("http://", "https://"))


def _link(visit: Visit, candidate: dict[str, Any]) -> tuple[str, str]:
    """Return the address of what may have been meant, at the same path, and its name."""
    name = tame(str(candidate.get("ref") or candidate.get("label") or ""), 200)
    return str(candidate["url"]).rstrip("/") + visit.path, name


def _json(value: object) -> str:
    """Return JSON that can stand in a <script> element."""
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c")


def _own(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


_environment = jinja2.Environment(
    loader=jinja2.FileSystemLoader(_FOLDER),
    undefined=jinja2.StrictUndefined,
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters |= {"tame": tame, "spell": wording.spell}
_environment.globals |= {
    "style": compact(web.read("theme.css"), _own("room.css")),
    "log_style": compact(web.read("log_view.css")),
    "members_style": compact(_own("members.css")),
    "members_script": compact(_own("members.js")) + "\n",
    "script": compact(web.read("terminal.js"), web.read("log_view.js"), _own("room.js")),
}
