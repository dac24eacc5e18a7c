"""What the audit log calls a write, and what it says it was done to. Pure.

`add app`, `change app`, `remove app`, `set variable`, `unset variable`, `unset variables`, `set
credential`, `unset credential`, `start preview`, `stop preview`, `retry preview`, `pin preview`,
`unpin preview`, `add token`, `remove token`, `report uses`, `report refusals`; for any other call
its method. The dashboard uses the same words.
"""

import json
import re

_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_ACTIONS = {
    ("POST", "apps"): "add app",
    ("PATCH", "apps/*"): "change app",
    ("DELETE", "apps/*"): "remove app",
    ("POST", "previews"): "start preview",
    ("DELETE", "previews/*/*"): "stop preview",
    ("POST", "previews/*/*/retry"): "retry preview",
    ("PUT", "previews/*/*/pin"): "pin preview",
    ("DELETE", "previews/*/*/pin"): "unpin preview",
    ("POST", "tokens"): "add token",
    ("DELETE", "tokens/*"): "remove token",
    ("POST", "uses"): "report uses",
    ("POST", "refusals"): "report refusals",
}
_GIVEN_ACTIONS = {
    ("PUT", "environment/*"): "set variable",
    ("DELETE", "environment/*"): "unset variable",
    ("DELETE", "environment"): "unset variables",
    ("PUT", "credential"): "set credential",
    ("DELETE", "credential"): "unset credential",
}
_GIVEN = re.compile(r"/v1/apps/(([^/]+)/(environment|credential)(/[^/]+)?)", re.DOTALL)
_FORM = re.compile(r"/v1/([a-z]+)(?:/(.*?)(/retry|/pin)?)?", re.DOTALL)
_LONGEST_TOLD = 100
REPORTS = frozenset({"report uses", "report refusals"})
"""What proxies tell every few seconds; it changes nothing that somebody wanted."""


def is_write(method: str) -> bool:
    """Tell whether a method may change something."""
    return method not in _READS


def name_action(method: str, path: str) -> tuple[str, str]:
    """Return the action of a write, and its target.

    That is `hello`, `hello/5c80e7d…`, `hello/environment/API_KEY`, or the path.
    """
    if given := _GIVEN.fullmatch(path):
        what, app, part, of = given.groups(default="")
        action = _GIVEN_ACTIONS.get((method, f"{part}/*" if of else part))
        return (action, what if of else app) if action else (method, path)
    found = _FORM.fullmatch(path)
    if found is None:
        return method, path
    kind, target, verb = found.groups(default="")
    stars = "/*" * (target.count("/") + 1) if target else ""
    action = _ACTIONS.get((method, f"{kind}{stars}{verb}"))
    return (action, target) if action else (method, path)


def read_target(refusal: bytes) -> str:
    """Return what a problem says that it is about, `shop` or `shop/main`; "" where it does not."""
    try:
        fields = json.loads(refusal)
    except ValueError:
        return ""
    told = (fields.get(name) for name in ("app", "label")) if isinstance(fields, dict) else ()
    return "/".join(one[:_LONGEST_TOLD] for one in told if isinstance(one, str))
