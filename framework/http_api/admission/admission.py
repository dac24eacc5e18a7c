"""What every request passes before it reaches a route, put together."""

from collections.abc import Callable
from typing import NamedTuple

from fastapi import FastAPI

from framework.http_api.admission import guards, limits
from framework.http_api.admission.audit import Audit
from framework.http_api.admission.audited import Audited
from framework.http_api.admission.calls import Calls, Operations
from framework.http_api.admission.clients import Clients
from framework.http_api.admission.idempotency import Idempotency
from framework.http_api.admission.vouching import Vouching
from framework.ports import Tokens


class Admission(NamedTuple):
    """Who may ask, and what is noted of it; `vouching` reads who asked a stand-by.

    `clock` gives monotonic seconds.
    """

    tokens: Tokens
    audit: Audit
    vouching: Vouching
    clock: Callable[[], float]

    def guard(self, app: FastAPI, operations: Operations) -> None:
        """Have requests to `app` pass all of it; `operations` are those of its routes."""
        # The last one is the first that a request meets.
        app.add_middleware(Idempotency, clock=self.clock)
        app.add_middleware(guards.BodyLimit)
        app.add_middleware(guards.Permission)
        app.add_middleware(limits.TokenLimit, clock=self.clock)
        strangers = limits.Strangers(self.clock)
        app.add_middleware(guards.Bearer, tokens=self.tokens, strangers=strangers)
        app.add_middleware(Audited, audit=self.audit)
        app.add_middleware(Calls, operations=operations)
        app.add_middleware(guards.Paths)
        app.add_middleware(Clients, vouching=self.vouching)
        app.add_middleware(guards.Faults)
