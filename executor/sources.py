"""What a build may use of its agent beside its commit: no other app's images and caches. Pure.

Docker gives every build all images that it has, by name; and a cache mount, whose usual name is
its path, to all builds that name it so. BuildKit asks a policy about each image, whoever names it,
and puts a name before those of caches. A frontend of the commit's own choice (`# syntax=`) may
leave that name out: so much is for honest ones.

Where images are shared, all that is below the registry's prefix is closed, on whatever host: a
registry has many names (another case, a port, an address), and a digest none of a commit.

What a Dockerfile adds from an address is fetched by the daemon itself, in the agent's own network:
an agent that has to keep previews apart refuses that too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from prevs import names

VARIABLE = "EXPERIMENTAL_BUILDKIT_SOURCE_POLICY"
"""The variable by which buildx is told the file of a policy."""

_CACHES = "BUILDKIT_CACHE_MOUNT_NS"
_COMMIT = ":[0-9a-f]{40}"
_ADDRESSES = "^(?:https?|git)://"
_LOCAL = "docker.io/" + names.image_tag("", "").partition("/")[0]


def cache_arguments(labels: Mapping[str, str]) -> Mapping[str, str]:
    """Return the build arguments that keep caches for the app of an image with these labels."""
    owner = (labels.get("prevs.cluster", ""), labels.get("prevs.app", ""))
    return {_CACHES: "/".join(("prevs", *owner))}


def policy(registry: str, *, apart: bool = False) -> str:
    """Return what BuildKit may not use: images of commits, here, and all in `registry` ("": none).

    Where builds are to be kept `apart` from the agent's own network: no files of http, no git.
    """
    denied = [f"^docker-image://{re.escape(_LOCAL)}/[^/:@]+{_COMMIT}"]
    if registry:
        prefix = registry.partition("/")[2].strip("/")
        below = f"{re.escape(prefix)}/" if prefix else ""
        denied.append(f"^docker-image://[^/]+/{below}[^/]+$")
    if apart:
        denied.append(_ADDRESSES)
    rules = [
        {"action": "DENY", "selector": {"identifier": identifier, "match_type": "REGEX"}}
        for identifier in denied
    ]
    return json.dumps({"rules": rules})
