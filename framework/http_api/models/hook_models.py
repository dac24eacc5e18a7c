"""Webhooks of an app as the API shows them, and their secret as it goes in and out."""

from typing import Annotated, Any

from fastapi import Body
from pydantic import AfterValidator, BaseModel, Field
from pydantic_core import PydanticCustomError

from framework.apps.app_secrets import AppSecrets
from framework.forges import registry
from framework.hooks import secret
from framework.http_api.http.examples import example, order_example
from framework.ports import Polling
from prevs.records import AppRecord

_URL = "https://hooks.prevs.example/_prevs/hooks/hello"
_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw4fTTfMMn0mM="  # noqa: S105 # an example
_HOOKS: dict[str, Any] = {
    "url": _URL,
    "where": "At GitLab: Settings, Webhooks, Add new webhook.",
    "has_secret": True,
    "has_former_secret": False,
    "last": 1764031200.0,
    "polled_every": 600.0,
}


def _check_secret(text: str) -> str:
    if problem := secret.find_problem(text):
        raise PydanticCustomError("hook_secret", "{problem}", {"problem": problem})
    return text


class Hooks(BaseModel):
    """Where an app's forge sends webhooks, and how the repository is read."""

    model_config = example(_HOOKS)

    url: str = Field(description="The address to enter at the forge.")
    where: str = Field(description="Where to enter it there, with the secret, in a sentence.")
    has_secret: bool = Field(description="Whether webhooks are accepted.")
    has_former_secret: bool = Field(description="Whether the secret before this one is valid too.")
    last: float | None = Field(
        description="When the last authentic webhook came, in seconds since the epoch; null if "
        "none came since this framework leads."
    )
    polled_every: float | None = Field(
        description="The seconds between two reads of the repository; null while no preview needs "
        "them."
    )


class HookSecretOrder(BaseModel):
    """A secret that the forge has made."""

    model_config = order_example({"value": _SECRET})

    value: Annotated[str, AfterValidator(_check_secret)] = Field(
        repr=False,
        description=f"{secret.SHORTEST} to {secret.LONGEST} characters of ASCII, without spaces.",
        json_schema_extra={
            "minLength": secret.SHORTEST,
            "maxLength": secret.LONGEST,
            "pattern": "^[!-~]*$",
        },
    )


class NewHookSecret(BaseModel):
    """The address and the secret to enter at the forge."""

    model_config = example({"url": _URL, "secret": _SECRET})

    url: str
    secret: str = Field(description="It is not shown again.")


Order = Annotated[
    HookSecretOrder | None,
    Body(
        description="A secret that the forge has made (`value`). Without a body, the framework "
        "makes one."
    ),
]


def show_hooks(
    app: AppRecord, given: AppSecrets, polling: Polling, *, url: str, now: float
) -> Hooks:
    """Return the webhooks of an app; `now` is in seconds since the epoch."""
    return Hooks(
        url=url,
        where=registry.explain_hook(app),
        has_secret=bool(given.hook_secret),
        has_former_secret=bool(given.former_hook_secret),
        last=None if polling.hooked is None else now - polling.hooked,
        polled_every=polling.every,
    )
