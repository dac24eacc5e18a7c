"""An app's forge, as the API takes and shows it. Its token goes in, and never comes out."""

from typing import Literal

from pydantic import BaseModel, Field

from framework.apps.app_secrets import LONGEST_FORGE_TOKEN
from framework.http_api.http.examples import example, order_example
from framework.service.forge_setup import SetUp

_FINDING = {
    "part": "repository",
    "ok": False,
    "detail": "The forge has no such repository, or its token may not see it.",
    "advice": "Compare the address of the repository (`prevs app show hello`).",
}


class ForgeTokenOrder(BaseModel):
    """A token for the API of an app's forge."""

    model_config = order_example({"token": "glpat-hunter2"})

    token: str = Field(
        max_length=LONGEST_FORGE_TOKEN,
        repr=False,
        description="Of the least rights: docs/forges/ has them for each forge.",
        json_schema_extra={"minLength": 1, "pattern": "^[!-~]+$"},
    )


class ShownForgeToken(BaseModel):
    """When a token was set; nothing else of it is shown."""

    model_config = example({"changed": 1764031200.0})

    changed: float = Field(description="In seconds since the epoch.")


class Finding(BaseModel):
    """What a check found about one part of the way to a forge."""

    model_config = example(_FINDING)

    part: str
    ok: bool | None = Field(description="null if it was not tried.")
    detail: str
    advice: str = Field(description="The next step; empty if there is nothing to do.")


class ForgeCheck(BaseModel):
    """What works between an app and its forge."""

    model_config = example({"app": "hello", "findings": [_FINDING]})

    app: str
    findings: list[Finding]


class EnteredHook(BaseModel):
    """What became of the webhook that the forge's API was to enter."""

    model_config = example({"outcome": "made", "why": "", "advice": "", "secret": None})

    outcome: Literal["made", "updated", "refused", "by hand"] = Field(
        description="`by hand`: the forge's API has no webhooks, or the app has no token for it."
    )
    why: str = Field(description="Why it is not at the forge; empty if it is there now.")
    advice: str = Field(description="The next step; empty if there is nothing to do.")
    secret: str | None = Field(
        description="The secret to enter by hand, if this call has made it; it is not shown again."
    )


def show_entered(done: SetUp) -> EnteredHook:
    """Return what became of a webhook."""
    outcome, why, advice = done.entered
    return EnteredHook(outcome=outcome, why=why, advice=advice, secret=done.secret or None)
