"""Which hosts a gate may have. Pure."""

import re
from collections.abc import Collection, Mapping

from prevs.names import PROXIES_OWN, is_app_name, is_label, split_host

MOST_HOSTS = 16
LONGEST_HOST = 253
_ADDRESS = re.compile(r"[0-9]+", re.ASCII)


def read_host(text: str) -> str:
    """Return a host as HAProxy compares it."""
    return text.lower().removesuffix(".")


def find_name_problem(name: str, other_apps: Collection[str]) -> str | None:
    """Return what is wrong with a gate's name; None if nothing is."""
    if not is_app_name(name):
        return "must be 1 to 40 of a-z, 0-9 and -, a letter first, no - last and no -- within"
    if name in PROXIES_OWN:
        return f"cannot be {name}, as prevs itself has that address. Choose another name."
    if name in other_apps:
        return f"cannot be the name of another app, {name}. Choose the gate's own app, or none."
    return None


def find_host_problem(host: str, domain: str, taken: Mapping[str, str]) -> str | None:
    """Return what is wrong with a host beside `<gate>.<domain>`; None if nothing is.

    `taken` has the gates by their hosts, without this gate.
    """
    name = read_host(host)
    labels = name.split(".")
    if len(name) > LONGEST_HOST or len(labels) < 2 or not all(map(is_label, labels)):
        return "must be a whole host name without a port, and without *: api.example.com"
    if _ADDRESS.fullmatch(labels[-1]):
        return "cannot be an IP address. Write a host name."
    if name in taken:
        return f"is an address of the gate {taken[name]}. Remove it there first."
    return _find_problem_below(name, domain) if f".{name}".endswith(f".{domain}") else None


def _find_problem_below(name: str, domain: str) -> str:
    """Return what is wrong with a host below the domain of previews: one or the other is there."""
    found = split_host(name, domain)
    if found is None:
        return f"is at {domain}, where only gates and labels are. Name the gate so instead."
    return f"is an address of the app {found[1]}, at which its labels are. Write a host elsewhere."
