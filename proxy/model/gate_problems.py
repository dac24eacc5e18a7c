"""Why a request to a gate leads to no preview. Pure."""

from prevs.gate_rules import REF, REF_HEADER, RefusalCause
from proxy.model.problems import Problem

_KINDS = {"a": "header Accept", "h": "header", "c": "cookie", "q": "query parameter"}
_OVERRIDES = {"h": f"header {REF_HEADER}", "q": f"query parameter {REF}", "c": f"cookie {REF}"}


def refused(site: str, cause: str) -> Problem:
    """Return the problem of a request to the gate at `site`.

    `cause` comes from HAProxy: the value of a RefusalCause and its subject, as gate_entries.py
    writes both.
    """
    word, _, about = cause.partition(" ")
    if word == RefusalCause.UNKNOWN_VERSION.value:
        where = f"{_KINDS.get(about[:1], 'request')} {about[1:]}".rstrip()
        return Problem(
            "unknown-version",
            "There is no such version",
            400,
            f"{site} has no version for what the {where} says. Send another value, or leave it out "
            "for the usual version.",
        )
    if word == RefusalCause.INVALID_OVERRIDE.value:
        where = _OVERRIDES.get(about, "request")
        return Problem(
            "invalid-override",
            "This cannot be a version",
            400,
            f"The {where} names the version, and must be a label, as in an address: main or pr-7.",
        )
    return Problem(
        "no-rule",
        "Nothing is at this address",
        404,
        f"{site} has no rule for this request. `prevs gate show` lists the paths that it has.",
    )
