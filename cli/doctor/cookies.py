"""Judges whether previews can set cookies for each other and for other sites. Pure."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from cli.doctor.findings import Finding, ok, warning
from program.http.public_suffixes import find_reach, is_within

_PART = "cookies"
_DOCS = "docs/operating/tls.md, The domain"


def judge_domain(domain: str, apis: Sequence[str]) -> Finding:
    """Return which sites get cookies of previews below a domain; `apis` are URLs of frameworks."""
    reach = find_reach(domain)
    if reach is None:
        return ok(_PART, f"Below {domain}, each app's previews get only the cookies of that app.")
    hosts = [urlsplit(api).hostname or "" for api in apis]
    named = f"The scripts of a preview can set cookies for {reach}."
    if ours := [host for host in hosts if is_within(host, reach)]:
        message = f"{named} All previews and the dashboard ({ours[0]}) get them."
    elif reach != domain:
        message = f"{named} All previews and other sites of {reach} get them."
    else:
        message = f"{named} All other previews get them."
        advice = f"Have {domain} put on the public suffix list ({_DOCS})."
        return warning(_PART, message, advice)
    advice = (
        "Give previews a domain of their own that is not below another site of yours "
        f"(PREVS_DOMAIN), and have it put on the public suffix list ({_DOCS})."
    )
    return warning(_PART, message, advice)
