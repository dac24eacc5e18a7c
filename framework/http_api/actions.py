"""What the audit log calls a write, and what it says it was done to. Pure.

`add app`, `change app`, `remove app`, `start preview`, `stop preview`, `retry preview`, `pin
preview`, `unpin preview`, `add token`, `remove token`, `report uses`, `report refusals`; for any
other call its method. The dashboard uses the same words.
"""

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
_FORM = re.compile(r"/v1/([a-z]+)(?:/(.*?)(/retry|/pin)?)?", re.DOTALL)
REPORTS = frozenset({"report uses", "report refusals"})
"""What proxies tell every few seconds; it changes nothing that somebody wanted."""


def is_write(method: str) -> bool:
    """Tell whether a method may change something."""
    return method not in _READS


def name_action(method: str, path: str) -> tuple[str, str]:
    """Return the action of a write, and its target: `hello`, `hello/5c80e7d…`, or its path."""
    found = _FORM.fullmatch(path)
    if found is None:
        return method, path
    kind, target, verb = found.groups(default="")
    stars = "/*" * (target.count("/") + 1) if target else ""
    action = _ACTIONS.get((method, f"{kind}{stars}{verb}"))
    return (action, target) if action else (method, path)
