"""Who may do what with each znode of ours, over kazoo's ACLs. Pure.

Frameworks may do everything. Proxies read where previews are, and write of themselves; who takes
one over reads no app, no token and no secret, and changes none.
"""

from collections.abc import Collection
from typing import NamedTuple

from kazoo.security import ACL, make_digest_acl

from prevs.paths import Paths


class Rights(NamedTuple):
    """Those of the frameworks, whose identity is `own`, and of `proxies`: each `user:password`."""

    paths: Paths
    own: str
    proxies: tuple[str, ...] = ()

    @property
    def all(self) -> ACL:
        """What frameworks have everywhere."""
        return everything(self.own)

    def of(self, path: str) -> list[ACL]:
        """Return who may do what with a znode that frameworks make."""
        paths = self.paths
        if path == paths.proxies:
            return [self.all, *(_some(one, create=True) for one in self.proxies)]
        if path in (paths.placements, paths.agents) or path.startswith(f"{paths.placements}/"):
            return [self.all, *map(_some, self.proxies)]
        return [self.all]

    def are_a_proxys(self, path: str, acls: Collection[ACL]) -> bool:
        """Tell whether a znode with these ACLs was made by a proxy with an identity of its own."""
        theirs = path.startswith(f"{self.paths.proxies}/")
        return theirs and any(list(acls) == [everything(one)] for one in self.proxies)


def everything(identity: str) -> ACL:
    """Return what allows everything to one `user:password`."""
    user, _, password = identity.partition(":")
    return make_digest_acl(user, password, all=True)


def _some(identity: str, *, create: bool = False) -> ACL:
    user, _, password = identity.partition(":")
    return make_digest_acl(user, password, read=True, create=create)
