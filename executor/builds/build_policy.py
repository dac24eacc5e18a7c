"""What a build may use of its agent beside its commit: no other app's images and caches. Pure.

Docker gives every build all images that it has, by name; and a cache mount, whose usual name is
its path, to all builds that name it so. BuildKit asks a policy about each image, whoever names it,
and puts a name before those of caches. A frontend of the commit's own choice (`# syntax=`) may
leave that name out: so much is for honest ones.

Where images are shared, all that is below the registry's prefix is closed, on whatever host: a
registry has many names (another case, a port, an address), and a digest none of a commit.

What a Dockerfile adds from an address is fetched by the daemon itself, in the agent's own network,
and so are images. No rule tells that from what the daemon does otherwise: addresses are refused,
and of registries those that are named by an address, or are the agent itself.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Optional

from executor.builds.dockerfile import Line
from executor.limits.firewall import Network
from prevs import names
from program.git_messages import redact

VARIABLE = "EXPERIMENTAL_BUILDKIT_SOURCE_POLICY"
"""The variable by which buildx is told the file of a policy."""

_CACHES = "BUILDKIT_CACHE_MOUNT_NS"
_COMMIT = ":[0-9a-f]{40}"
_ADDRESSES = "^(?:https?|git)://"
_NUMBER = "(?:0x[0-9a-f]+|[0-9]+)"
_BY_NUMBER = rf"^docker-image://(?:{_NUMBER}(?:\.{_NUMBER})*|\[[^\]]*\])(?::[0-9]+)?/"
"""However it is written: what looks names up for dockerd takes 127.1 and 2130706433 too."""

_ITSELF = r"^docker-image://(?:[^/:]*\.)?localhost(?::[0-9]+)?/"
_LOOPBACK = ipaddress.ip_network("127.0.0.1")
_DENIED = re.compile(r'source "(?:(docker-image)://(?:docker\.io/)?)?([^"\s]+)" denied by policy')
_ADDRESS = re.compile(r"""https?://[^\s"',\]]+""", re.IGNORECASE)
_ERROR = re.compile(r"^ERROR: .*$", re.MULTILINE)
_LONGEST = 100
_LOCAL = "docker.io/" + names.image_tag("", "").partition("/")[0]


def cache_arguments(labels: Mapping[str, str]) -> Mapping[str, str]:
    """Return the build arguments that keep caches for the app of an image with these labels."""
    owner = (labels.get("prevs.cluster", ""), labels.get("prevs.app", ""))
    return {_CACHES: "/".join(("prevs", *owner))}


def policy(
    registry: str,
    *,
    fetches: bool = False,
    allowed: Sequence[Network] = (),
    denied: Sequence[Network] = (),
) -> str:
    """Return what BuildKit may not use, as its policy.

    These are images of commits, here, and all in `registry` ("": none); registries that are named
    by an address, but for those in `allowed` and not in `denied` networks; and other files at
    addresses unless it `fetches` them. The last rule that fits decides.
    """
    rules = [
        *(_rule("DENY", one) for one in (_BY_NUMBER, _ITSELF)),
        *(_rule("ALLOW", one) for one in _hosts(allowed)),
        *(_rule("DENY", one) for one in _hosts(denied)),
    ]
    if not fetches:
        rules.append(_rule("DENY", _ADDRESSES))
    if registry:
        host, _, rest = registry.partition("/")
        prefix = rest.strip("/")
        below = f"{re.escape(prefix)}/" if prefix else ""
        rules.append(_rule("ALLOW", f"^docker-image://{re.escape(host)}/"))
        rules.append(_rule("DENY", f"^docker-image://[^/]+/{below}[^/]+$"))
    rules.append(_rule("DENY", f"^docker-image://{re.escape(_LOCAL)}/[^/:@]+{_COMMIT}"))
    return json.dumps({"rules": rules})


def _rule(action: str, identifier: str) -> Mapping[str, object]:
    selector = {"identifier": f"(?i){identifier}", "match_type": "REGEX"}
    return {"action": action, "selector": selector}


def _hosts(networks: Iterable[Network]) -> Iterator[str]:
    """Yield what registries are called that are named by an address in these networks."""
    for network in networks:
        if network.version == 4:
            yield f"^docker-image://{_octets(network)}(?::[0-9]+)?/"
            if _LOOPBACK.overlaps(network):
                yield _ITSELF
        elif network.num_addresses == 1:
            yield rf"^docker-image://\[{network.network_address}\](?::[0-9]+)?/"


def _octets(network: Network) -> str:
    first, last = network[0].packed, network[-1].packed
    return r"\.".join(
        str(low) if low == high else f"(?:{'|'.join(map(str, range(low, high + 1)))})"
        for low, high in zip(first, last)
    )


def find_refusal(said: str, added: Sequence[Line]) -> Optional[str]:
    """Return what BuildKit's last error says of what a build may not use; None for another error.

    `added` are the lines of the Dockerfile that add something from an address.
    """
    errors = _ERROR.findall(said)
    denied = _DENIED.search(errors[-1]) if errors else None
    if denied is None:
        return None
    source = redact(denied[2])[:_LONGEST]
    if not denied[1]:
        # git is told to fetch git://, whatever the Dockerfile says.
        address = denied[2].partition("://")[2]
        return refusal([line for line in added if address in line.text] or added, source)
    host, _, path = source.partition("/")
    if path and re.match(f"(?i){_BY_NUMBER}|{_ITSELF}", f"docker-image://{host}/"):
        return (
            f"{source} is not pulled, as Docker would do that in the agent's own network. Use a "
            "registry that has a name (its operator can allow an address: PREVS_ALLOW)"
        )
    return (
        f"{source} is where images of commits are, which no other build may use. Begin with an "
        "image from elsewhere"
    )


def refusal(added: Sequence[Line], source: str = "") -> str:
    """Return why what these lines add is not fetched, and what to do instead.

    `source` is its address, "" where that is for the lines to say.
    """
    where = " or ".join(f"line {line.number}" for line in added[:3])
    if not source and (found := _ADDRESS.search(added[0].text)):
        source = redact(found.group())[:_LONGEST]
    told = f"{source} ({where} of the Dockerfile)" if where else source
    if not source:
        line = redact(added[0].text)[:_LONGEST]
        told = f"what {where} of the Dockerfile adds ({line}) may be at an address, and"
    return (
        f"{told} is not fetched, as Docker would do that in the agent's own network. Fetch it in a "
        "RUN step instead, with curl or wget"
    )
