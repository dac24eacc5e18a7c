"""/v1/signatures: which records none of the frameworks' tokens has signed."""

from typing import Any

from pydantic import BaseModel, Field

from framework.access import Scope
from framework.http_api.admission.operations import Reach, Routes, operation
from framework.http_api.http.examples import example
from framework.http_api.http.parameters import ListedApps
from framework.service.service_client import ServiceClient
from framework.trust import NotTrusted, RecordKind

_SHOP: dict[str, Any] = {
    "kind": "gate",
    "name": "shop",
    "app": "hello",
    "detail": str(NotTrusted(RecordKind.GATE, "shop")),
}


class RefusedRecord(BaseModel):
    """A record that counts for nothing, and is kept: its signature is of no token of now."""

    model_config = example(_SHOP)

    kind: RecordKind = Field(description="access: who may look at an app, which is closed now.")
    name: str = Field(description="The name of the gate, the stack or the app.")
    app: str = Field(description="The app; of a stack, that of its entry.")
    detail: str = Field(description="What has happened and what to do, for people.")


class Signatures(BaseModel):
    """What is wrong with the signatures of records."""

    model_config = example({"refused": [_SHOP]})

    refused: list[RefusedRecord]


class SignatureRoutes(Routes):
    """The call about signatures. It does not block."""

    tag = "tokens"

    def __init__(self, previews: ServiceClient) -> None:
        self._previews = previews

    @operation("GET", "/v1/signatures", Scope.READ, Reach.ITS_SHARE, refuses=(404,))
    async def show_signatures(self, listed: ListedApps) -> Signatures:
        """List the records that none of the frameworks' tokens has signed. They are kept."""
        refused = self._previews.snapshot.refused.values()
        return Signatures(
            refused=[
                RefusedRecord(
                    kind=one.kind,
                    name=one.name,
                    app=one.app,
                    detail=str(NotTrusted(one.kind, one.name)),
                )
                for one in refused
                if listed.has(one.app)
            ]
        )
