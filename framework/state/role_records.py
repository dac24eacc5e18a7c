"""The roles of people in memory, written through to the store. Owned by the service's thread.

As for tokens, the store is written first; after a write without an answer, `rewrite_unconfirmed`
makes the store equal to memory again.
"""

import dataclasses
from collections.abc import Iterable, Mapping

from framework.errors import InvalidSettings, Problem
from framework.people.errors import UnknownRole
from framework.people.roles import MOST_ROLES
from framework.ports import Store
from framework.state.unconfirmed_writes import UnconfirmedWrites
from prevs.roles import RoleRecord


class RoleRecords:
    """The stored roles, by id. `all` is replaced, never changed."""

    def __init__(self, stored: Iterable[RoleRecord], store: Store) -> None:
        self._writes: UnconfirmedWrites[str, RoleRecord] = UnconfirmedWrites(
            store, lambda role: role.id
        )
        self.all: Mapping[str, RoleRecord] = {role.id: role for role in stored}

    def add(self, role: RoleRecord, now: float) -> RoleRecord:
        """Write a role, created `now`, in place of the holder's former one for the same app.

        Raises InvalidSettings if there are too many, Unavailable.
        """
        known = self.all.get(role.id)
        if known is not None and known.scope == role.scope:
            return known
        if known is None and len(self.all) >= MOST_ROLES:
            raise InvalidSettings([Problem("scope", f"is one too many: at most {MOST_ROLES}")])
        new = dataclasses.replace(role, created=now)
        self._writes.save(new)
        self.all = {**self.all, role.id: new}
        return new

    def remove(self, role_id: str) -> None:
        """Remove a role. Raises UnknownRole, Unavailable."""
        role = self.all.get(role_id)
        if role is None:
            raise UnknownRole(role_id)
        self._writes.delete(role)
        self.all = {other: one for other, one in self.all.items() if other != role_id}

    def remove_of(self, app: str) -> None:
        """Remove the roles that are for one app."""
        for role in tuple(self.all.values()):
            if app and role.app == app:
                self.remove(role.id)

    def rewrite_unconfirmed(self) -> None:
        """Repeat the writes that got no answer."""
        self._writes.rewrite(self.all.get)
