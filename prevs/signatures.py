"""Signs the records that proxies route by: who can only write to ZooKeeper cannot route. Pure.

The signature is HMAC-SHA256 (RFC 2104) with a key derived from a token that frameworks and proxies
share. It covers app, commit and task, so that no placement passes for another one.
"""

import dataclasses
import hmac
import json
from collections.abc import Collection
from typing import Any

from prevs.access import AccessRecord
from prevs.gates import GateRecord, Revision, Rule
from prevs.records import AgentsRecord, Placement
from prevs.stacks import StackRecord

_PURPOSE = b"prevs: signatures of placements and agents"
_PASSES = b"prevs: passes of visitors"
_MARKERS = b"prevs: markers of comments"


def derive_key(token: str) -> bytes:
    """Return the key for a token. The token cannot be computed from it."""
    return hmac.digest(token.encode(), _PURPOSE, "sha256")


def derive_pass_key(token: str) -> str:
    """Return the key of visitors' passes (program/passes) for a token, as hex digits."""
    return hmac.digest(token.encode(), _PASSES, "sha256").hex()


def derive_marker_key(token: str) -> bytes:
    """Return the key of the markers of comments at forges (framework/telling) for a token."""
    return hmac.digest(token.encode(), _MARKERS, "sha256")


def sign_placement(key: bytes, app: str, sha: str, placement: Placement) -> str:
    """Return the signature of a commit's placement."""
    return _sign(key, _placement(app, sha, placement))


def sign_agents(key: bytes, record: AgentsRecord) -> str:
    """Return the signature of a record of agents, whose own `signature` is ignored."""
    return _sign(key, _agents(record))


def sign_access(key: bytes, record: AccessRecord) -> str:
    """Return the signature of who may look, whose own `signature` is ignored."""
    return _sign(key, _access(record))


def sign_gate(key: bytes, record: GateRecord) -> str:
    """Return the signature of what proxies read of a gate, so not of its earlier revisions."""
    return _sign(key, _gate(record))


def sign_whole_gate(key: bytes, record: GateRecord) -> str:
    """Return the signature of all of a gate but its signatures.

    A framework puts a proposal in force, and rolls back to what is earlier.
    """
    return _sign(key, _whole_gate(record))


def sign_stack(key: bytes, record: StackRecord) -> str:
    """Return the signature of a stack, whose own `signature` is ignored."""
    return _sign(key, _stack(record))


def is_placement_signed(
    keys: Collection[bytes], app: str, sha: str, placement: Placement, *, signature: str
) -> bool:
    """Return whether one of `keys` made a placement's signature. In constant time."""
    return _is_signed(keys, signature, _placement(app, sha, placement))


def are_agents_signed(keys: Collection[bytes], record: AgentsRecord) -> bool:
    """Return whether one of `keys` made a record's signature. In constant time."""
    return _is_signed(keys, record.signature, _agents(record))


def is_access_signed(keys: Collection[bytes], record: AccessRecord) -> bool:
    """Return whether one of `keys` made a record's signature. In constant time."""
    return _is_signed(keys, record.signature, _access(record))


def is_gate_signed(keys: Collection[bytes], record: GateRecord) -> bool:
    """Return whether one of `keys` made a record's signature. In constant time."""
    return _is_signed(keys, record.signature, _gate(record))


def is_whole_gate_signed(keys: Collection[bytes], record: GateRecord) -> bool:
    """Return whether one of `keys` made a record's `whole_signature`. In constant time."""
    return _is_signed(keys, record.whole_signature, _whole_gate(record))


def is_stack_signed(keys: Collection[bytes], record: StackRecord) -> bool:
    """Return whether one of `keys` made a record's signature. In constant time."""
    return _is_signed(keys, record.signature, _stack(record))


def _placement(app: str, sha: str, placement: Placement) -> Any:
    place = (placement.task_id, placement.host, placement.port)
    services = [sorted(placement.services.items())] if placement.services else []
    return ["placement", app, sha, *place, placement.labels, placement.protocol, *services]


def _agents(record: AgentsRecord) -> Any:
    ports = record.ports.items()
    return [
        "agents",
        *((host, [(one.begin, one.end) for one in found]) for host, found in sorted(ports)),
    ]


def _access(record: AccessRecord) -> Any:
    return ["access", dataclasses.replace(record, signature="").encode().decode()]


def _stack(record: StackRecord) -> Any:
    return ["stack", dataclasses.replace(record, signature="").encode().decode()]


def _gate(record: GateRecord) -> Any:
    # Of two gates with the same host, the older one has it.
    place = (record.name, record.app, record.hosts, record.created)
    return ["gate", *place, *_choosing(record.revision)]


def _whole_gate(record: GateRecord) -> Any:
    proposal = record.proposal
    return [
        *("whole gate", record.name, record.app, record.hosts, _revision(record.revision)),
        *(record.keep, record.created, record.last_number, record.stack, record.on_delete.value),
        [_revision(one) for one in record.earlier],
        proposal
        and [
            *(_revision(proposal.revision), proposal.hosts, proposal.keep),
            *(proposal.awaited, proposal.failure, proposal.on_delete.value),
        ],
    ]


def _revision(revision: Revision) -> Any:
    written = (revision.changed, revision.by, sorted(revision.commits.items()))
    return [*_choosing(revision), *written]


def _choosing(revision: Revision) -> Any:
    return [
        *(revision.number, [one.value for one in revision.override], revision.refuses_unknown),
        [_rule(one) for one in revision.rules],
        sorted(revision.variants.items()),
    ]


def _rule(rule: Rule) -> Any:
    when = rule.when and (rule.when.kind.value, rule.when.value, rule.when.name)
    return [rule.path, [(one.label, one.weight) for one in rule.to], when, rule.sticky.value]


def _is_signed(keys: Collection[bytes], signature: str, value: Any) -> bool:
    given = signature.encode("ascii", "replace")
    return any(hmac.compare_digest(_sign(key, value).encode(), given) for key in keys)


def _sign(key: bytes, value: Any) -> str:
    text = json.dumps(value, separators=(",", ":"))
    return hmac.digest(key, text.encode(), "sha256").hex()
