"""What a job alone is given, sealed for the store as an app's secrets are."""

import base64
import dataclasses
from collections.abc import Mapping

from framework.ports import Vault
from prevs import codec
from prevs.jobs import PayloadRecord


@dataclasses.dataclass(frozen=True)
class Given:
    """A job's payload in base64, None if it has none, and the variables for it alone."""

    payload: str | None = None
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)


def seal(vault: Vault, app: str, job_id: str, given: Given) -> PayloadRecord:
    """Return the record of what a job is given. Raises NoKey."""
    return PayloadRecord(app, job_id, vault.seal(codec.encode(given, 1)))


def open_sealed(vault: Vault, record: PayloadRecord) -> Given:
    """Return what a job is given. Raises WrongKey, RecordError."""
    return codec.decode(Given, 1, vault.open(record.sealed))


def encode(payload: bytes | None) -> str | None:
    """Return a payload in base64."""
    return None if payload is None else base64.b64encode(payload).decode()
