"""People as senders of requests: what their roles let them do now. Pure."""

from collections.abc import Collection

from framework.access import PERSON, Identity
from framework.errors import NotOfApp
from framework.people import roles
from framework.people.errors import NoRole
from framework.ports.identity import Person
from prevs.roles import RoleRecord


def identify(known: Collection[RoleRecord], person: Person) -> Identity:
    """Return who a person is and what they may do; without a role that is nothing."""
    rights = roles.find_rights(known, person)
    return Identity(f"{PERSON}{person.login}", rights.everywhere, apps=rights.apps)


def describe(identity: Identity) -> str:
    """Return what somebody may do, in a few words: "use of shop, read of all apps"."""
    of_all = [] if identity.scope is None else [(identity.app or "all apps", identity.scope)]
    found = [*sorted(identity.apps.items()), *of_all]
    return ", ".join(f"{scope.value} of {app}" for app, scope in found) or "no role"


def require(identity: Identity, *, is_theirs: bool) -> None:
    """Refuse what is of an app that is not theirs. Raises NotOfApp."""
    if not is_theirs:
        raise not_of_app(identity)


def not_of_app(identity: Identity) -> NotOfApp:
    """Return why somebody may not do what their scope would allow elsewhere."""
    if identity.is_person:
        return NoRole(identity.name, describe(identity))
    return NotOfApp(identity.name, identity.app)
