"""Every refusal as IronWorker's clients read it: {"msg": …} instead of a problem."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp, Scope

from framework.http_api.admission.calls import IRONWORKER
from program.http.problem_answers import Form, RewrittenProblems

_STATUSES = {422: 400, 429: 503}
"""IronWorker has no 422. Its clients wait and ask again after a 503, and give up at a 429."""


def rewrite_refusals(app: ASGIApp) -> ASGIApp:
    """Return `app` with the problems of IronWorker's API rewritten, and all else as it is."""
    return RewrittenProblems(app, applies=_is_ours, rewrite=_rewrite)


def _is_ours(scope: Scope) -> bool:
    return str(scope["path"]).startswith(IRONWORKER)


def _rewrite(status: int, problem: Mapping[str, Any]) -> Form:
    body = json.dumps({"msg": problem["detail"]}).encode()
    return Form(_STATUSES.get(status, status), {"content-type": "application/json"}, body)
