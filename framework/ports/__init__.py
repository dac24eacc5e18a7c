"""What the parts of the framework need from each other, as small protocols and values.

The edges (mesos/, zookeeper/, git/, logs/, http_api/) implement or use them; no edge imports
another.
"""

from framework.apps.commit_files import RepositoryFile
from framework.ports.hooks import EnteredHook, HookPorts, Polling
from framework.ports.mesos import (
    OVER,
    Agents,
    Cluster,
    InverseOffer,
    LogExcerpt,
    Logged,
    LogPart,
    Sandboxes,
    SandboxFile,
    SandboxGone,
)
from framework.ports.repositories import (
    Commit,
    CommitPage,
    Heads,
    Listing,
    Ref,
    Repositories,
    Resolved,
)
from framework.ports.service import Tokens, Use
from framework.ports.store import Record, Store, Stored, Vault

__all__ = [
    "OVER",
    "Agents",
    "Cluster",
    "Commit",
    "CommitPage",
    "EnteredHook",
    "Heads",
    "HookPorts",
    "InverseOffer",
    "Listing",
    "LogExcerpt",
    "LogPart",
    "Logged",
    "Polling",
    "Record",
    "Ref",
    "Repositories",
    "RepositoryFile",
    "Resolved",
    "SandboxFile",
    "SandboxGone",
    "Sandboxes",
    "Store",
    "Stored",
    "Tokens",
    "Use",
    "Vault",
]
