"""Parameters and types that several calls share, as /docs shows them."""

from typing import Annotated, Any, NamedTuple

from fastapi import Depends, Header, Path, Query, Request

from framework.access import Identity
from framework.http_api.http.examples import SHA
from framework.people import identities
from framework.state.snapshot import Snapshot

MOST = 2**53 - 1
"""The largest number that every reader of JSON can hold."""

App = Annotated[str, Path(description="An app's name.", examples=["hello"])]
Sha = Annotated[str, Path(description="A commit: all 40 digits of its id.", examples=[SHA])]
OfApp = Annotated[
    str, Query(description="Only of this app. Without it, of all apps.", examples=["hello"])
]


async def _find_caller(request: Request) -> Identity:
    found: Identity = request.state.identity  # guards.Authentication has set it
    return found


Caller = Annotated[Identity, Depends(_find_caller)]
"""Who sends a request. If no path names an app, what it `sees` limits what it may do."""


class Listed(NamedTuple):
    """Whose entries a list shows: those of one `app`, or, with "", of all that the caller sees."""

    app: str
    caller: Identity

    def has(self, app: str) -> bool:
        """Return whether the list has entries of an app."""
        return self.app in ("", app) and self.caller.sees(app)

    def require_known(self, snapshot: Snapshot) -> None:
        """Raise UnknownApp if there is no such app."""
        if self.app:
            snapshot.app(self.app)


async def _narrow(caller: Caller, app: OfApp = "") -> Listed:
    identities.require(caller, is_theirs=not app or caller.sees(app))
    return Listed(app or caller.app, caller)


ListedApps = Annotated[Listed, Depends(_narrow)]

# OpenAPI ignores a parameter of this name: the answers list the media types.
Accept = Annotated[str, Header(include_in_schema=False)]
LastEventId = Annotated[
    str,
    Header(description="The id of the last event that was read: a stream continues after it."),
]


def _describe_key(kept: str) -> dict[str, Any]:
    return {
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "A text that is new for each order, in double quotes. The same "
                f"order with the same key is done once: {kept}",
                "schema": {
                    "type": "string",
                    "pattern": r'^("[ !#-\[\]-~]{1,255}"|[A-Za-z0-9_.:/+=-]{1,255})$',
                    "maxLength": 257,
                    "examples": ['"8e03978e-40d5-43dd-bc93-6894a57f9324"'],
                },
            }
        ]
    }


IDEMPOTENCY_KEY = _describe_key("a client that lost the answer gets it again, for an hour.")
DURABLE_KEY = _describe_key(
    "a client that lost the answer gets the same jobs, from any framework, while they are kept."
)
"""The descriptions of the header of orders; admission/idempotency.py reads it."""
