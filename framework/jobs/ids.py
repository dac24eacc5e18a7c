"""The ids of jobs. What asks for the same job twice gets the same id, so that its znode decides."""

import base64
import hashlib
import re

ID = re.compile(r"[a-z2-7]{16}", re.ASCII)


def of_request(app: str, by: str, key: str, number: int) -> str:
    """Return the id of the `number`th job of a request by a token, with an idempotency key.

    A request without a key gets a random one.
    """
    return _digest("request", app, by, key, str(number))


def of_run(app: str, by: str, key: str, schedule: str) -> str:
    """Return the id of the job that a request with an idempotency key makes of a schedule."""
    return _digest("run", app, by, key, schedule)


def of_retry(app: str, by: str, key: str, job_id: str) -> str:
    """Return the id of the job that a request with an idempotency key makes of an ended one."""
    return _digest("retry", app, by, key, job_id)


def of_schedule(app: str, schedule: str, nominal: float) -> str:
    """Return the id of the job that a schedule makes for a time (epoch seconds)."""
    return _digest("schedule", app, schedule, f"{nominal:.0f}")


def is_id(text: str) -> bool:
    """Return whether `text` can be the id of a job."""
    return ID.fullmatch(text) is not None


def _digest(*parts: str) -> str:
    text = "\0".join(parts).encode()
    return base64.b32encode(hashlib.sha256(text).digest())[:16].decode().lower()
