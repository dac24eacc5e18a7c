"""The parameters and kinds of values that several calls have, as /docs shows them."""

from typing import Annotated, Any

from fastapi import Header, Path, Query
from pydantic import BeforeValidator

from framework.http_api.examples import SHA

MOST = 2**53 - 1
"""The largest number that every reader of JSON can hold."""

App = Annotated[str, Path(description="An app's name.", examples=["hello"])]
Sha = Annotated[str, Path(description="A commit: all 40 digits of its id.", examples=[SHA])]
OfApp = Annotated[
    str, Query(description="Of this app only. Without it, of all.", examples=["hello"])
]

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
"""What /docs says of an order that takes a key; framework.http_api.idempotency reads it."""
