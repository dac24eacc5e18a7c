"""The ACLs of our znodes, over kazoo. Pure.

Frameworks may do everything. Proxies read placements, gates and who may look, and write records of
themselves. So whoever takes over a proxy can neither read nor change an app, a token or a secret.
"""

from collections.abc import Collection
from typing import NamedTuple

from kazoo.security import ACL, make_digest_acl

from prevs.paths import Paths


class Rights(NamedTuple):
    """The rights of the frameworks, with the identity `own`, and of `proxies`.

    An identity is `user:password`.
    """

    paths: Paths
    own: str
    proxies: tuple[str, ...] = ()

    @property
    def all(self) -> ACL:
        """The right of frameworks, to everything."""
        return everything(self.own)

    def of(self, path: str) -> list[ACL]:
        """Return the ACLs of a znode that frameworks make."""
        paths = self.paths
        if path == paths.proxies:
            return [self.all, *(_some(one, create=True) for one in self.proxies)]
        read = (paths.placements, paths.access, paths.gates)
        if path in (*read, paths.agents) or path.rpartition("/")[0] in read:
            return [self.all, *map(_some, self.proxies)]
        return [self.all]

    def are_a_proxys(self, path: str, acls: Collection[ACL]) -> bool:
        """Return whether a proxy with an identity of its own made the znode with these ACLs."""
        theirs = path.startswith(f"{self.paths.proxies}/")
        return theirs and any(list(acls) == [everything(one)] for one in self.proxies)


def everything(identity: str) -> ACL:
    """Return the ACL that allows everything to one `user:password`."""
    user, _, password = identity.partition(":")
    return make_digest_acl(user, password, all=True)


def _some(identity: str, *, create: bool = False) -> ACL:
    user, _, password = identity.partition(":")
    return make_digest_acl(user, password, read=True, create=create)
