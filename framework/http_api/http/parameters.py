"""The parameters and kinds of values that several calls have, as /docs shows them."""

from typing import Annotated, Any

from fastapi import Depends, Header, Path, Query, Request
from pydantic import BeforeValidator

from framework.access import Identity
from framework.errors import NotOfApp
from framework.http_api.http.examples import SHA

MOST = 2**53 - 1
"""The largest number that every reader of JSON can hold."""

App = Annotated[str, Path(description="An app's name.", examples=["hello"])]
Sha = Annotated[str, Path(description="A commit: all 40 digits of its id.", examples=[SHA])]
OfApp = Annotated[
    str, Query(description="Of this app only. Without it, of all.", examples=["hello"])
]


async def _find_asker(request: Request) -> Identity:
    found: Identity = request.state.identity  # guards.Bearer lets nobody pass without
    return found


Asker = Annotated[Identity, Depends(_find_asker)]
"""Who asks. What shows or does something of apps that no path names goes by its `app`."""


async def _narrow(asker: Asker, app: OfApp = "") -> str:
    if app and not asker.sees(app):
        raise NotOfApp(asker.name, asker.app)
    return app or asker.app


ListedApp = Annotated[str, Depends(_narrow)]
"""Of which app a list is, "" for all: the one that is asked for, or the one that a token is for."""

# OpenAPI has no parameter of that name: what can be asked for stands with the answers.
Accept = Annotated[str, Header(include_in_schema=False)]
LastEventId = Annotated[
    str,
    Header(description="The id of the last event that was read: a stream goes on after it."),
]


def _read_whole(value: Any) -> Any:
    return int(value) if type(value) is float and value.is_integer() else value


WHOLE = BeforeValidator(_read_whole)
"""Has a whole number taken as one however it is written: JSON knows no difference to 8080.0."""

IDEMPOTENCY_KEY: dict[str, Any] = {
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": "A text that is new for each order, in double quotes. The same order "
            "with the same key is done once: who has lost the answer gets it again, for an hour.",
            "schema": {
                "type": "string",
                "pattern": r'^("[ !#-\[\]-~]{1,255}"|[A-Za-z0-9_.:/+=-]{1,255})$',
                "maxLength": 257,
                "examples": ['"8e03978e-40d5-43dd-bc93-6894a57f9324"'],
            },
        }
    ]
}
"""What /docs says of an order that takes a key; admission/idempotency.py reads it."""
