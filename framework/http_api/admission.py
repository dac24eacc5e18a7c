"""What every request passes before it reaches a route, put together."""

from typing import NamedTuple

from fastapi import FastAPI

from framework.http_api import guards
from framework.http_api.audit import Audit
from framework.http_api.audited import Audited
from framework.http_api.clients import Clients
from framework.http_api.vouching import Vouching
from framework.ports import Tokens


class Admission(NamedTuple):
    """Who may ask, and what is noted of it; `vouching` reads who asked a stand-by."""

    tokens: Tokens
    audit: Audit
    vouching: Vouching

    def guard(self, app: FastAPI) -> None:
        """Have requests to `app` pass all of it."""
        # The last one is the first that a request meets.
        app.add_middleware(guards.BodyLimit)
        app.add_middleware(guards.Bearer, tokens=self.tokens)
        app.add_middleware(Audited, audit=self.audit)
        app.add_middleware(Clients, vouching=self.vouching)
        app.add_middleware(guards.Faults)
