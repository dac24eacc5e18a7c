"""The names of companions' images, and which of them an agent pulls. Pure.

The daemon pulls in the agent's own network, so the same policy decides as for the base images of
builds (executor/builds/build_policy.py).
"""

from __future__ import annotations

import json
import re
from typing import NamedTuple, Optional

_HUB = "docker.io"
_LATEST = "latest"
_NAME = re.compile(
    r"(?P<repository>[a-z0-9][\w.:/\[\]-]*?)(?::(?P<tag>[\w][\w.-]{0,127}))?"
    r"(?:@(?P<digest>sha256:[0-9a-f]{64}))?",
    re.ASCII,
)
"""As in distribution/reference, and no stricter than is needed to tell its parts."""


class ImageName(NamedTuple):
    """An image in a registry: docker.io/library/postgres, 17, and "" or its digest."""

    repository: str
    tag: str
    digest: str

    @property
    def host(self) -> str:
        """The host of its registry, with its port."""
        return self.repository.partition("/")[0]

    @property
    def version(self) -> str:
        """What identifies it in its repository: the digest, or else the tag."""
        return self.digest or self.tag

    @property
    def floats(self) -> bool:
        """Whether the tag is one that moves (latest), so that the registry is asked."""
        return not self.digest and self.tag == _LATEST

    def at(self, digest: str) -> str:
        """Return the name of the image with that digest."""
        return f"{self.repository}@{digest}"


def read_name(text: str) -> Optional[ImageName]:
    """Return the image that a reference like `postgres:17` names, None if it names none."""
    found = _NAME.fullmatch(text)
    if found is None or "//" in text:
        return None
    repository, tag, digest = found["repository"], found["tag"] or _LATEST, found["digest"] or ""
    host, slash, rest = repository.partition("/")
    is_host = slash and ("." in host or ":" in host or host == "localhost")
    if not is_host:
        repository = f"{_HUB}/{repository}" if slash else f"{_HUB}/library/{repository}"
    elif not rest:
        return None
    return ImageName(repository, tag, digest)


def is_denied(name: ImageName, policy: str) -> bool:
    """Return whether a policy as builds have it denies an image: its last rule that fits counts."""
    separator = "@" if name.digest else ":"
    identifier = f"docker-image://{name.repository}{separator}{name.version}"
    denied = False
    for rule in json.loads(policy)["rules"]:
        if re.search(rule["selector"]["identifier"], identifier):
            denied = rule["action"] == "DENY"
    return denied
