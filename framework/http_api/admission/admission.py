"""The middleware of the API, put together in its order."""

from collections.abc import Callable
from typing import NamedTuple

from fastapi import FastAPI

from framework.http_api.admission import guards, limits
from framework.http_api.admission.audit import Audit
from framework.http_api.admission.audit_middleware import AuditMiddleware
from framework.http_api.admission.calls import CallLookup, Operations
from framework.http_api.admission.client_signature import ClientSignature
from framework.http_api.admission.clients import ClientAddress
from framework.http_api.admission.idempotency import Idempotency
from framework.ports import Tokens


class Admission(NamedTuple):
    """What the middleware works with.

    `signature` verifies the client's address that a stand-by sends. `clock` gives monotonic
    seconds.
    """

    tokens: Tokens
    audit: Audit
    signature: ClientSignature
    clock: Callable[[], float]

    def guard(self, app: FastAPI, operations: Operations) -> None:
        """Add the middleware to `app`; `operations` are those of its routes."""
        # Starlette runs the one that was added last first.
        app.add_middleware(Idempotency, clock=self.clock)
        app.add_middleware(guards.BodyLimit)
        app.add_middleware(guards.Authorization)
        app.add_middleware(limits.TokenLimit, clock=self.clock)
        failed_auth = limits.FailedAuthLimit(self.clock)
        app.add_middleware(guards.Authentication, tokens=self.tokens, failed_auth=failed_auth)
        app.add_middleware(AuditMiddleware, audit=self.audit)
        app.add_middleware(CallLookup, operations=operations)
        app.add_middleware(guards.PathCheck)
        app.add_middleware(ClientAddress, signature=self.signature)
        app.add_middleware(guards.UnexpectedErrors)
