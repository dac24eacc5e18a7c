"""The form that tries a request to a gate, as people fill it in. Pure."""

from collections.abc import Mapping

from framework.dashboard.pages.app_forms import Filled
from prevs.gate_rules import Request, read_cookies, read_query

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
_FIELDS = ("method", "path", "headers")
_LONGEST = 8192
"""Characters of a field."""
EMPTY = Filled({"method": "GET", "path": "/", "headers": ""})


def read(form: Mapping[str, str]) -> Request | Filled:
    """Return the request of a form, or the form with what is wrong with it.

    Names and values are read as HAProxy reads those of visitors: see Request.
    """
    values = keep(form)
    path, _, query = values["path"].partition("?")
    lines = [line for line in values["headers"].splitlines() if line.strip()]
    problems = {}
    if not path.startswith("/"):
        problems["path"] = "must begin with /, such as /v1/items?page=2"
    if wrong := next((line for line in lines if not line.partition(":")[1]), ""):
        problems["headers"] = f"must be one a line, such as X-Api-Version: 2, not {wrong[:60]!r}"
    if problems:
        return Filled(values, problems)
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip(" \t").lower(): value.strip(" \t") for name, _, value in pairs}
    cookies = read_cookies(headers.get("cookie", ""))
    return Request(values["method"], path, headers, cookies, read_query(query))


def keep(form: Mapping[str, str]) -> Mapping[str, str]:
    """Return the values of a form, and nothing else."""
    values = {name: form.get(name, "").strip()[:_LONGEST] for name in _FIELDS}
    return {**values, "method": values["method"].upper() or "GET"}
