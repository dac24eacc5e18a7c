"""Who may look at an app's previews, and how visitors enter, as the API takes and shows it."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from framework.apps import visitor_access
from framework.apps.password_digest import LONGEST, SHORTEST
from framework.apps.visitor_access import MACHINE, MOST_DAYS, SHARE, PassOrder
from framework.http_api.http.examples import example, order_example
from framework.http_api.models.app_models import Name
from prevs.access import AccessRecord, IssuedPass

_PASS: dict[str, Any] = {
    "id": "5c80e7d2f1a64b0c",
    "name": "demo",
    "kind": "share",
    "label": "main",
    "until": 1764636000.0,
    "by": "deploys",
    "created": 1764031200.0,
}
_ACCESS: dict[str, Any] = {
    "access": "password",
    "era": 1764031200000,
    "preflight": False,
    "https": True,
    "passes": [_PASS],
}
_CLIENT = Field(max_length=100, description="The visitor's address.")
_SIGNED = "eyJhbGciOiJIUzI1NiJ9.eyJ1c2UiOiJ2aXNpdG9yIn0.5c80e7d1"
_USUAL_DAYS: Mapping[str, int] = {SHARE: 7, MACHINE: 90}
_Access = Literal["public", "password", "team"]
_Kind = Literal["share", "machine"]
_Label = Annotated[
    str, Field(pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", min_length=1, max_length=63)
]
# framework.apps.password_digest checks it, and has the messages for it.
_Password = Annotated[str, Field(json_schema_extra={"minLength": SHORTEST, "maxLength": LONGEST})]


class AccessChange(BaseModel):
    """Who may look from now on."""

    model_config = order_example(
        {"access": "password", "password": "correct horse"},
        {
            "if": {"properties": {"access": {"const": "public"}}},
            "then": {"properties": {"password": {"type": "null"}, "preflight": {"type": "null"}}},
            "else": {
                "if": {"properties": {"access": {"const": "team"}}},
                "then": {"properties": {"password": {"type": "null"}}},
            },
        },
    )

    access: _Access = Field(
        description="public: everybody. password: who enters the app's password, or has a pass. "
        "team: who signs in and has a role for the app, or has a pass; the framework needs "
        "`PREVS_SIGN_IN` for it."
    )
    password: _Password | None = Field(
        default=None,
        description=f"{SHORTEST} to {LONGEST} characters. Left out, the app keeps the one it has.",
        repr=False,
    )
    preflight: bool | None = Field(
        default=None,
        description="Whether CORS preflights reach running previews without a pass: anybody may "
        "then send OPTIONS to the application. Left out, it stays as it is; at first it is false.",
    )


class ShownPass(BaseModel):
    """A pass, without its text."""

    model_config = example(_PASS)

    id: str
    name: str
    kind: _Kind = Field(description="share: a link to one label. machine: for a program.")
    label: str | None = Field(description="The label that it opens; null: the whole app.")
    until: float = Field(description="When it ends, in seconds since the epoch.")
    by: str = Field(description="The name of the token that issued it.")
    created: float = Field(description="In seconds since the epoch.")


class ShownAccess(BaseModel):
    """Who may look at an app's previews, and the passes that count."""

    model_config = example(_ACCESS)

    access: _Access
    era: int = Field(description="Passes of other eras do not count. A public app has none: 0.")
    preflight: bool = Field(description="Whether CORS preflights need no pass.")
    https: bool = Field(
        description="Whether previews have https addresses. Without, others on the way can read "
        "passwords and passes."
    )
    passes: list[ShownPass] = Field(max_length=visitor_access.MOST_PASSES)


class NewPassOrder(BaseModel):
    """A new pass. A share link is for one label."""

    model_config = order_example(
        {"name": "demo", "kind": "share", "label": "main", "days": 7},
        {
            "if": {"properties": {"kind": {"const": "share"}}},
            "then": {
                "required": ["label"],
                "properties": {
                    "label": {"type": "string"},
                    "days": {"maximum": MOST_DAYS[SHARE]},
                },
            },
        },
    )

    name: Name | None = Field(
        default=None, description="Left out, its name is its id. No two passes have the same."
    )
    kind: _Kind = Field(description="A token with the scope `use` may make share links only.")
    label: _Label | None = Field(
        default=None, description="The label that it opens, as in an address; null: all of the app."
    )
    days: float | None = Field(
        default=None,
        gt=0,
        le=max(MOST_DAYS.values()),
        description="After how many days it ends. A share link has at most "
        f"{MOST_DAYS[SHARE]}, and {_USUAL_DAYS[SHARE]} if left out; a machine's pass "
        f"{MOST_DAYS[MACHINE]} and {_USUAL_DAYS[MACHINE]}.",
    )


class NewPass(ShownPass):
    """A pass that was just issued. Its text is shown here and nowhere else."""

    model_config = example(
        {
            **_PASS,
            "text": "eyJhbGciOiJIUzI1NiJ9.eyJhdWQiOiJoZWxsbyJ9.5c80e7d1",
            "link": "https://main--hello.prevs.example/_prevs/enter?pass=eyJhbGciOiJIUzI1NiJ9…",
        }
    )

    text: str = Field(description="The pass, for the header `X-Prevs-Access: TEXT`.")
    link: str | None = Field(description="For people, to the label of a share link; else null.")


class EntryOrder(BaseModel):
    """What a visitor shows to enter an app: its password, or who they are."""

    model_config = order_example({"password": "correct horse", "client": "203.0.113.7"})

    password: str | None = Field(
        default=None,
        max_length=1000,
        description="For an app with a password. Without it, the other fields count.",
        repr=False,
    )
    session: str = Field(
        default="",
        max_length=8000,
        description="The session of who has signed in.",
        repr=False,
    )
    user: str = Field(
        default="",
        max_length=256,
        description="Who the visitor is, as a proxy in front says. It counts only with "
        "`PREVS_SIGN_IN=proxy`; then the session does not.",
    )
    groups: list[str] = Field(
        default=[], max_length=1000, description="The visitor's groups, likewise."
    )
    client: str = _CLIENT


class SignInOrder(BaseModel):
    """A sign-in that a visitor begins."""

    model_config = order_example({"client": "203.0.113.7"})

    client: str = _CLIENT


class BegunSignIn(BaseModel):
    """Where a visitor signs in."""

    model_config = example(
        {
            "address": "https://sso.example.org/authorize?client_id=prevs&state=5c80e7d1",
            "state": "5c80e7d1",
            "attempt": _SIGNED,
        }
    )

    address: str = Field(description="The provider's address to send the browser to.")
    state: str = Field(description="What comes back from there.")
    attempt: str = Field(
        description="The sign-in, signed: this browser alone keeps it. It counts for ten minutes."
    )


class SignInResult(BaseModel):
    """What the provider has sent back."""

    model_config = order_example(
        {"attempt": _SIGNED, "state": "5c80e7d1", "code": "9f2c", "client": "203.0.113.7"}
    )

    attempt: str = Field(max_length=8000, repr=False)
    state: str = Field(max_length=1000)
    code: str = Field(max_length=4000, repr=False)
    client: str = _CLIENT


class VisitorSession(BaseModel):
    """Who has signed in."""

    model_config = example({"session": _SIGNED, "login": "ada"})

    session: str = Field(description="Names the person for 8 hours. Signed; the browser keeps it.")
    login: str


def read_order(order: NewPassOrder) -> PassOrder:
    """Return what the decisions take of an order."""
    days = order.days or _USUAL_DAYS[order.kind]
    return PassOrder(order.name or "", order.kind, days, order.label or "")


def show_access(record: AccessRecord, now: float, *, https: bool) -> ShownAccess:
    """Return who may look, with the passes that have not ended, the last to end first."""
    found = visitor_access.list_passes(record, now)
    shown = [show_pass(pass_id, one) for pass_id, one in found.items()]
    return ShownAccess(
        access=record.access.value,
        era=record.era,
        preflight=record.preflight,
        https=https,
        passes=sorted(shown, key=lambda one: (-one.until, one.id)),
    )


def show_pass(pass_id: str, issued: IssuedPass) -> ShownPass:
    """Return a pass without its text."""
    return ShownPass(
        id=pass_id,
        name=issued.name,
        kind="share" if issued.kind == SHARE else "machine",
        label=issued.label or None,
        until=issued.until,
        by=issued.by,
        created=issued.created,
    )
