"""Whether previews can set cookies for each other and for other sites: a function of values."""

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
        return ok(_PART, f"Browsers keep the cookies of an app's previews below {domain} to it.")
    hosts = [urlsplit(api).hostname or "" for api in apis]
    named = f"The scripts of a preview can set cookies for {reach}, which"
    if ours := [host for host in hosts if is_within(host, reach)]:
        message = f"{named} all previews get, and so does the dashboard ({ours[0]})."
    elif reach != domain:
        message = f"{named} all previews get, and so do other sites of {reach}."
    else:
        message = f"{named} all other previews get."
        advice = f"Have {domain} put on the public suffix list ({_DOCS})."
        return warning(_PART, message, advice)
    advice = (
        "Give previews a domain of their own, below no other site of yours (PREVS_DOMAIN), and "
        f"have it put on the public suffix list ({_DOCS})."
    )
    return warning(_PART, message, advice)
