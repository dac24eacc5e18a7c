"""What the parts of the framework ask of each other, as small protocols.

The edges (mesos, zookeeper, refs, sandbox, http) implement or use them; none imports another.
"""

from framework.ports.mesos import Agents, Cluster, InverseOffer, Sandboxes
from framework.ports.repositories import (
    Commit,
    CommitPage,
    Listing,
    Ref,
    Refs,
    RepositoryFile,
    Resolved,
)
from framework.ports.service import Tokens, Use
from framework.ports.store import Record, Store, Stored, Vault

__all__ = [
    "Agents",
    "Cluster",
    "Commit",
    "CommitPage",
    "InverseOffer",
    "Listing",
    "Record",
    "Ref",
    "Refs",
    "RepositoryFile",
    "Resolved",
    "Sandboxes",
    "Store",
    "Stored",
    "Tokens",
    "Use",
    "Vault",
]
