"""Who a person is, from what a provider says about them. Pure."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from framework.people.roles import LONGEST_NAME, is_name
from framework.ports.identity import Person

MOST_GROUPS = 1000


def read_person(
    claims: Mapping[str, Any], groups_claim: str, rename: Callable[[str], str] = str
) -> Person:
    """Return the person whom claims of OpenID Connect describe; `sub` is there.

    The login is the preferred_username, else an email address that the provider has verified, else
    the subject. `rename` returns a group's name as prevs writes it.
    """
    subject = claims["sub"]
    email = claims.get("email") if claims.get("email_verified") is True else None
    login = _first_name(claims.get("preferred_username"), email, subject)
    found = claims.get(groups_claim, ())
    groups = [found] if isinstance(found, str) else found
    return Person(subject, login, read_groups(groups, rename))


def read_groups(found: Any, rename: Callable[[str], str] = str) -> frozenset[str]:
    """Return the names of groups; what no group can be called is left out."""
    names = found if isinstance(found, Iterable) and not isinstance(found, Mapping) else ()
    texts = (rename(name) for name in names if isinstance(name, str))
    return frozenset([name for name in texts if is_name(name)][:MOST_GROUPS])


def _first_name(*given: Any) -> str:
    names = (name for name in given if isinstance(name, str) and is_name(name))
    return next(names, "unknown")[:LONGEST_NAME]
