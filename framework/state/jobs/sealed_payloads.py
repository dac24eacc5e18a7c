"""What a job alone is given, sealed for the store as an app's secrets are."""

import base64
import dataclasses
from collections.abc import Mapping

from framework.errors import SecretsUnreadable, WrongKey
from framework.ports import Vault
from prevs import codec
from prevs.codec import RecordError
from prevs.jobs import PayloadRecord
from prevs.schedules import ScheduleRecord


@dataclasses.dataclass(frozen=True)
class Given:
    """A job's payload in base64, None if it has none, and the variables for it alone."""

    payload: str | None = None
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)


def seal(vault: Vault, app: str, job_id: str, given: Given) -> PayloadRecord:
    """Return the record of what a job is given."""
    return PayloadRecord(app, job_id, _seal(vault, given))


def seal_payload(vault: Vault, payload: bytes) -> str:
    """Return the payload of all jobs of a schedule, for its record."""
    return _seal(vault, Given(encode(payload)))


def open_schedule(vault: Vault, schedule: ScheduleRecord) -> bytes | None:
    """Return the payload of a schedule's jobs, None for none. Raises SecretsUnreadable."""
    if not schedule.sealed:
        return None
    try:
        given = codec.decode(Given, 1, vault.open(schedule.sealed))
    except (WrongKey, RecordError) as error:
        raise SecretsUnreadable(schedule.app, str(error)) from None
    return base64.b64decode(given.payload or "")


def open_sealed(vault: Vault, record: PayloadRecord) -> Given:
    """Return what a job is given. Raises WrongKey, RecordError."""
    return codec.decode(Given, 1, vault.open(record.sealed))


def _seal(vault: Vault, given: Given) -> str:
    return vault.seal(codec.encode(given, 1))


def encode(payload: bytes | None) -> str | None:
    """Return a payload in base64."""
    return None if payload is None else base64.b64encode(payload).decode()
