"""Keeps builds from the images and caches of other apps, and from the agent's network. Pure.

Docker lets every build use all local images by name. It also lets builds share a cache mount if
they give it the same id, which by default is its path. BuildKit checks each image against a source
policy, and puts a namespace before the ids of caches. A frontend that the commit chooses itself
(`# syntax=`) may ignore the namespace: it protects only against honest mistakes.

If agents share images, all images below the registry's prefix are denied, on any host: a registry
has many names (another case, a port, an address), and a digest does not show its commit.

The daemon itself fetches images, and what a Dockerfile adds from an address, in the agent's own
network. No firewall rule can separate that from the daemon's other traffic. So the policy denies
addresses, and registries that are named by an IP address or are the agent itself.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Optional

from executor.attempt.attempt import STRANGER
from executor.builds.dockerfile import Line
from prevs import names
from program.git.messages import redact
from program.networks.reserved import Network

VARIABLE = "EXPERIMENTAL_BUILDKIT_SOURCE_POLICY"
"""The environment variable with the path of the policy for buildx."""

_CACHES = "BUILDKIT_CACHE_MOUNT_NS"
_MACHINE = "BUILDKIT_SANDBOX_HOSTNAME"
_COMMIT = ":[0-9a-f]{40}"
_ADDRESSES = "^(?:https?|git)://"
_NUMBER = "(?:0x[0-9a-f]+|[0-9]+)"
_BY_NUMBER = rf"^docker-image://(?:{_NUMBER}(?:\.{_NUMBER})*|\[[^\]]*\])(?::[0-9]+)?/"
"""IP addresses in any notation: dockerd's resolver accepts 127.1 and 2130706433 too."""

_ITSELF = r"^docker-image://(?:[^/:]*\.)?localhost(?::[0-9]+)?/"
_LOOPBACK = ipaddress.ip_network("127.0.0.1")
_DENIED = re.compile(r'source "(?:(docker-image)://(?:docker\.io/)?)?([^"\s]+)" denied by policy')
_ADDRESS = re.compile(r"""https?://[^\s"',\]]+""", re.IGNORECASE)
_ERROR = re.compile(r"^ERROR: .*$", re.MULTILINE)
_LONGEST = 100
_LOCAL = "docker.io/" + names.image_tag("", "").partition("/")[0]


def cache_arguments(labels: Mapping[str, str], secrets: Iterable[str] = ()) -> Mapping[str, str]:
    """Return the build arguments that separate the caches of apps, by the image's labels.

    Commits of strangers have caches of their own. The results of steps are separate, too: the name
    of the machine on which a step runs is a part of what its result is cached under, and of what
    builds at the same time share. The values of `secrets` are no part of it. So builds with other
    names of secrets have another machine, or a branch would get what others made with theirs.
    """
    owner = (labels.get("prevs.cluster", ""), labels.get("prevs.app", ""))
    namespace = "/".join(("prevs", *owner))
    if STRANGER in labels:
        namespace += "/strangers"
    given = json.dumps([namespace, sorted(secrets)]).encode()
    return {_CACHES: namespace, _MACHINE: f"build-{hashlib.sha256(given).hexdigest()[:16]}"}


def policy(
    registry: str,
    *,
    fetches: bool = False,
    allowed: Sequence[Network] = (),
    denied: Sequence[Network] = (),
) -> str:
    """Return BuildKit's source policy.

    It denies local images of commits, and all images in `registry` ("": none). It denies registries
    that are named by an IP address, except in `allowed` networks that are not `denied`. It denies
    other addresses unless builds may fetch them (`fetches`). The last rule that matches decides.
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
    """Yield patterns of registries that are named by an address in these networks."""
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


def find_refusal(output: str, added: Sequence[Line]) -> Optional[str]:
    """Return a message if the policy denied a source in BuildKit's last error, else None.

    `added` are the lines of the Dockerfile that add something from an address.
    """
    errors = _ERROR.findall(output)
    denied = _DENIED.search(errors[-1]) if errors else None
    if denied is None:
        return None
    source = redact(denied[2])[:_LONGEST]
    if not denied[1]:
        # BuildKit changes git addresses to git://, so compare without the scheme.
        address = denied[2].partition("://")[2]
        return refusal([line for line in added if address in line.text] or added, source)
    host, _, path = source.partition("/")
    if path and re.match(f"(?i){_BY_NUMBER}|{_ITSELF}", f"docker-image://{host}/"):
        return (
            f"this agent does not pull {source}, because Docker would do so in the agent's own "
            "network. Use a registry with a name (the agent's operator can allow an address: "
            "PREVS_ALLOW)"
        )
    return (
        f"{source} holds images of commits, which no other build may use. Start from an image "
        "elsewhere"
    )


def refusal(added: Sequence[Line], source: str = "") -> str:
    """Return why the sources of these lines are not fetched, and what to do instead.

    `source` is the address, "" to take it from the lines.
    """
    where = " or ".join(f"line {line.number}" for line in added[:3])
    if not source and (found := _ADDRESS.search(added[0].text)):
        source = redact(found.group())[:_LONGEST]
    subject = f"{source} ({where} of the Dockerfile)" if where else source
    if not source:
        line = redact(added[0].text)[:_LONGEST]
        subject = f"what {where} of the Dockerfile adds ({line}) may come from an address, and"
    return (
        f"{subject} is not fetched: Docker would fetch it in the agent's own network. "
        "Fetch it in a RUN step instead, with curl or wget"
    )
