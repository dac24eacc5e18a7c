"""Tokens, roles of people and the audit log, as the API takes and shows them."""

from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from framework.access import OF_ONE_APP, Scope
from framework.apps.manifest import declared
from framework.http_api.http.examples import example, order_example
from framework.http_api.http.paging import Next
from framework.http_api.models.app_models import Name
from framework.people.roles import LONGEST_NAME, NAME
from prevs.roles import RoleRecord, TokenRecord

_TOKEN: dict[str, Any] = {
    "name": "deploys",
    "scope": "use",
    "app": "hello",
    "created": 1764031200.0,
}
_ENTRY: dict[str, Any] = {
    "id": "5c80e7d2f1a6",
    "at": 1764031200.5,
    "who": "deploys",
    "scope": "use",
    "action": "start preview",
    "target": "hello/5c80e7d2f1a64b0c9d3e8f7a6b5c4d3e2f1a0b9c",
    "outcome": 202,
    "client": "10.1.2.3",
    "request": "3f0c1c5e-8f0a-4c86-9d3c-0a1f5f7b9b57",
}

_ROLE: dict[str, Any] = {
    "id": "1f6a5c80e7d2f1a64b0c9d3e8f7a6b5c",
    "group": "shop-devs",
    "person": None,
    "scope": "use",
    "app": "hello",
    "created": 1764031200.0,
}
_IS_TEXT = {"type": "string"}
# framework.people.roles checks it, and has the messages for it.
_LIMITS: dict[str, Any] = {"maxLength": LONGEST_NAME, "pattern": NAME}
_Holder = Annotated[str, Field(min_length=1, json_schema_extra=_LIMITS)]
_HOLDERS = {"group": _Holder, "person": _Holder, "app": Name}
_ROLE_ORDER = declared.order_of(RoleRecord, {}, _HOLDERS)
_TOKEN_ORDER = declared.order_of(TokenRecord, {}, {"app": Name})
# A later version may have more scopes.
_SHOWN_ROLE = declared.answer_of(RoleRecord, {"scope": str})
_SHOWN_TOKEN = declared.answer_of(TokenRecord, {"scope": str})


class _Named(BaseModel):
    name: Name


# The scope and the app follow from TokenRecord.
class TokenOrder(_TOKEN_ORDER, _Named):  # type: ignore[misc, valid-type]
    """A new token: its name and its scope. A token for one app has the scope read or use."""

    model_config = order_example(
        {"name": "deploys", "scope": "use", "app": "hello"},
        {
            "not": {
                "properties": {"scope": {"const": "admin"}, "app": {"type": "string"}},
                "required": ["scope", "app"],
            }
        },
    )

    @field_validator("app")
    @classmethod
    def _check_app(cls, app: str | None, info: ValidationInfo) -> str | None:
        scope = info.data.get("scope")
        if app is not None and scope is not None and Scope(scope) not in OF_ONE_APP:
            known = " or ".join(OF_ONE_APP)
            raise PydanticCustomError(
                "not_of_app",
                "can only go with the scope {known}, not with {given}",
                {"known": known, "given": scope},
            )
        return app


class Token(_SHOWN_TOKEN):  # type: ignore[misc, valid-type] # scope and app are TokenRecord's
    """A token, without its text."""

    model_config = example(_TOKEN)

    name: str
    created: float = Field(description="In seconds since the epoch.")


class NewToken(Token):
    """A token that was just made. Its text is shown here and nowhere else."""

    model_config = example(
        {**_TOKEN, "token": "prevs_use_XIRm4rUQ4hxGbAz1uHnxIGu4rYh3PNzM4KJmuqnyi1E"}
    )

    token: str = Field(description="The token for the header `Authorization: Bearer TOKEN`.")


class Tokens(BaseModel):
    """Tokens, by name. Those of the operator and of proxies are in the settings instead."""

    model_config = example({"tokens": [_TOKEN], "next": None})

    tokens: list[Token]
    next: Next


class RoleOrder(_ROLE_ORDER):  # type: ignore[misc, valid-type] # follows from RoleRecord
    """A role: its holder, what the holder may do, and in which app."""

    model_config = order_example(
        {"group": "shop-devs", "scope": "use", "app": "hello"},
        {
            "oneOf": [
                {"properties": {"group": _IS_TEXT}, "required": ["group"]},
                {"properties": {"person": _IS_TEXT}, "required": ["person"]},
            ],
            "not": {
                "properties": {"scope": {"const": "admin"}, "app": _IS_TEXT},
                "required": ["scope", "app"],
            },
        },
    )

    def read(self) -> RoleRecord:
        """Return it as a record."""
        return RoleRecord(**declared.read(RoleRecord, self.model_dump()))


class Role(_SHOWN_ROLE):  # type: ignore[misc, valid-type] # follows from RoleRecord
    """What the members of a group, or one person, may do after they have signed in."""

    model_config = example(_ROLE)

    id: str
    created: float = Field(description="In seconds since the epoch.")


class Roles(BaseModel):
    """Roles: those for all apps first, then by app, group and person."""

    model_config = example({"roles": [_ROLE], "next": None})

    roles: list[Role]
    next: Next


def show_role(role: RoleRecord) -> Role:
    """Return a role as the API shows it."""
    return Role(id=role.id, created=role.created, **declared.show(role))


def show_token(token: TokenRecord) -> Token:
    """Return a token as the API shows it."""
    return Token(name=token.name, created=token.created, **declared.show(token))


class AuditEntry(BaseModel):
    """What somebody did or tried."""

    model_config = example(_ENTRY)

    id: str
    at: float = Field(description="In seconds since the epoch.")
    who: str | None = Field(description="The name of the token; null: it was not one of ours.")
    scope: str | None = Field(description="The scope of the token.")
    action: str = Field(description="`start preview`, `remove app`, … or another call's method.")
    target: str = Field(description="What it was done to: an app, app/commit, a token; or a path.")
    outcome: int | str = Field(description="The HTTP status of the answer, or a word.")
    client: str = Field(
        description="The address that it came from; `unknown via ADDRESS` if that one forwarded "
        "it and is not one of our frameworks."
    )
    request: str | None = Field(description="The id of the request in the framework's other logs.")


class AuditLog(BaseModel):
    """The latest entries of the audit log, the newest first."""

    model_config = example({"entries": [_ENTRY], "next": None})

    entries: list[AuditEntry]
    next: Next
