"""The form that tries a request to a gate, as people fill it in. Pure."""

from collections.abc import Iterator, Mapping

from framework.dashboard.pages.app_forms import Filled
from prevs.gate_rules import Request

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
    headers = {name.lower(): value for name, value in _split_all("\n".join(lines), "\n", ":")}
    cookies = dict(_split_all(headers.get("cookie", ""), ";", "="))
    parameters = reversed(list(_split_all(query, "&", "=")))  # of several ones, the first counts
    return Request(values["method"], path, headers, cookies, dict(parameters))


def keep(form: Mapping[str, str]) -> Mapping[str, str]:
    """Return the values of a form, and nothing else."""
    values = {name: form.get(name, "").strip()[:_LONGEST] for name in _FIELDS}
    return {**values, "method": values["method"].upper() or "GET"}


def _split_all(text: str, separator: str, mark: str) -> Iterator[tuple[str, str]]:
    """Yield the names and values in a text."""
    for pair in text.split(separator):
        name, found, value = pair.partition(mark)
        if found:
            yield name.strip(" \t"), value.strip(" \t")
