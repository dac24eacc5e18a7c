"""What the waiting room shows of an app whose room shows the status alone. Pure.

That is the steps, the sentence and the advice. It is nothing from the repository, and no names of
branches, people or machines. Holders of an API token get the rest from the API.
"""

import dataclasses

from proxy.model.preview import Commit, Failure, Preview, Variant
from proxy.model.problems import Problem

_DETAILS = {
    "ambiguous-label": "This address could mean several commits. With a token, you can list them: "
    "`prevs refs`. More digits of a commit lead to one.",
    "not-approved": "This commit comes from a fork and has not been approved. The app's people see "
    "who can approve it.",
    "unknown-label": "There is no branch, tag or commit of that name.",
    "other-repository": "Another repository has taken the address of the app's. The app's people "
    "see what to do.",
    "repository-unreachable": "The repository cannot be read now. The app's people see why.",
}
_FIELDS = frozenset({"app", "sha", "state", "reason", "cause", "exit_code", "budget"})
_AWAY = ": no framework answers"
"""The text behind it names machines."""


def brief_commit(commit: Commit) -> Commit:
    """Return a commit without its author, its message and its names."""
    return dataclasses.replace(
        commit,
        kind="",
        ref="",
        author="",
        subject="",
        committed=None,
        variant=_brief_variant(commit.variant),
    )


def brief_preview(preview: Preview) -> Preview:
    """Return a preview without what comes from its repository and its agent."""
    return dataclasses.replace(
        preview,
        detail="",
        agent="",
        labels=(),
        url="",
        log_tail="",
        failure=_brief_failure(preview, preview.failure) if preview.failure else None,
        variant=_brief_variant(preview.variant),
    )


def brief_problem(problem: Problem) -> Problem:
    """Return a problem without details about the app.

    The framework names variants only if anybody may see them.
    """
    if problem.slug == "unknown-variant":
        return problem
    detail = _DETAILS.get(problem.slug, problem.detail)
    if problem.slug == "preview-failed":
        cause = str(problem.fields.get("cause") or "not known").replace("-", " ")
        detail = (
            f"The preview failed ({cause}). It stays failed until someone retries it, for example "
            "on its page."
        )
    if _AWAY in detail:
        detail = f"{detail.partition(_AWAY)[0]}."
    fields = {name: value for name, value in problem.fields.items() if name in _FIELDS}
    return dataclasses.replace(problem, detail=detail, fields=fields)


def hide_details(problem: Problem, *, shows_all: bool) -> Problem:
    """Return a problem as a visitor may see it, of an app that shows all or its status alone.

    The address of a repository, and its server's message, are only for holders of a token.
    """
    is_hidden = problem.slug == "repository-unreachable"
    return problem if shows_all and not is_hidden else brief_problem(problem)


def _brief_failure(preview: Preview, failure: Failure) -> Failure:
    why = f"With a token, you can see why: prevs show {preview.app} {preview.handle}"
    return Failure(failure.cause, why, failure.exit_code)


def _brief_variant(variant: Variant | None) -> Variant | None:
    """Return a variant whose members have no labels, which are names of branches."""
    if variant is None:
        return None
    return variant._replace(members=tuple(one._replace(label="") for one in variant.members))
