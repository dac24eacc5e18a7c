"""An app's forge, as the API takes and shows it. Its token goes in, and never comes out."""

from pydantic import BaseModel, Field

from framework.apps.app_secrets import LONGEST_FORGE_TOKEN
from framework.http_api.http.examples import example, order_example

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
