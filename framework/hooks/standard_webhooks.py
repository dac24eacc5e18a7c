"""The signature of Standard Webhooks (standardwebhooks.com), for what comes and what goes. Pure."""

import base64
import hmac

from framework.hooks import secret


def sign(secret_text: str, message_id: str, timestamp: str, body: bytes) -> str:
    """Return the signature of a message in the form of the header `webhook-signature`.

    `timestamp` is in whole seconds since the epoch, as the header has it.
    """
    signed = f"{message_id}.{timestamp}.".encode("latin-1", "replace")
    digest = hmac.digest(secret.read_key(secret_text), signed + body, "sha256")
    return f"v1,{base64.b64encode(digest).decode()}"
