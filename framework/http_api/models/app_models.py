"""Apps as they go in and out of the API, as /docs shows them."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field
from pydantic_core import PydanticCustomError

from framework.apps import repository_url
from framework.apps.manifest import declared
from framework.apps.manifest.rules import check_health
from framework.forges.registry import ForgeSetting, Kind
from framework.http_api.http.examples import SHA, example, order_example
from framework.http_api.http.paging import Next
from framework.http_api.models.variant_models import VariantPlace
from framework.matching import constraints
from framework.preview import keep_warm
from prevs import names
from prevs.apps import Followed
from prevs.records import AppRecord

_APP: dict[str, Any] = {"name": "hello", **declared.examples(AppRecord)}
_MEANT: dict[str, Any] = {
    "room_shows": "full",
    "forge_kind": "gitlab",
    "forge_token_set": 1764031200.0,
    "pulls_followed": "branches",
    "created": 1764031200.0,
}


def _check_name(name: str) -> str:
    if not names.is_app_name(name):
        raise PydanticCustomError(
            "app_name",
            "must have 1 to 40 characters (a-z, 0-9 and single hyphens), begin with a letter "
            "and not end with a hyphen",
        )
    if name == names.SIGN_IN:
        raise PydanticCustomError("app_name", "is reserved: visitors sign in at this host")
    return name


def _refusing(find_problem: Callable[[str], str | None]) -> AfterValidator:
    """Return a validator from a function that returns what is wrong with a text, or None."""

    def check(text: str) -> str:
        if problem := find_problem(text):
            raise PydanticCustomError("setting", "{problem}", {"problem": problem})
        return text

    return AfterValidator(check)


Name = Annotated[
    str,
    AfterValidator(_check_name),
    Field(
        description="A DNS label of at most 40 characters without two hyphens in a row.",
        json_schema_extra={
            "minLength": 1,
            "maxLength": 40,
            "pattern": "^[a-z]([a-z0-9]|-[a-z0-9])*$",
        },
    ),
]
_CHECKS = {
    "repository": _refusing(repository_url.find_problem),
    "folder": _refusing(repository_url.find_folder_problem),
    "health": AfterValidator(check_health),
    "keep_warm": _refusing(keep_warm.find_problem),
    "constraints": _refusing(constraints.find_problem),
}
# Each forge adds a kind: a client that knew all of them would break at a new one.
_OPEN = Field(json_schema_extra={"x-open": True})
_TYPES = {"forge": Annotated[ForgeSetting, _OPEN]}
AppTerms = declared.order_of(AppRecord, _CHECKS, _TYPES)
"""All settings of an app, as a model for orders."""
_CHANGES = declared.changes_of(AppRecord, _CHECKS, _TYPES)
_SHOWN = declared.answer_of(AppRecord, _TYPES)


class AppSettings(AppTerms):  # type: ignore[misc, valid-type] # its fields follow from AppRecord
    """A new app."""

    model_config = order_example(_APP)

    name: Name


class AppChanges(_CHANGES):  # type: ignore[misc, valid-type] # its keys follow from AppRecord
    """Settings to change; those that are left out stay as they are."""

    __pydantic_config__ = order_example({"mem": 256})


class App(_SHOWN):  # type: ignore[misc, valid-type] # its fields follow from AppRecord
    """An app and its settings."""

    model_config = example({**_APP, **_MEANT})

    name: str
    room_shows: Literal["full", "status"] = Field(description="What `room` means for this app.")
    forge_kind: Annotated[Kind, _OPEN] = Field(description="What `forge` means for this app.")
    forge_token_set: float | None = Field(
        description="When its token for the forge was set, in seconds since the epoch; null if it "
        "has none. Nothing else of the token is shown."
    )
    pulls_followed: Followed = Field(description="What `pulls` means for this app.")
    created: float = Field(description="In seconds since the epoch.")


class Apps(BaseModel):
    """Apps, by name."""

    model_config = example(
        {
            "apps": [{**_APP, **_MEANT}],
            "next": "WyJoZWxsbyJd",
        }
    )

    apps: list[App]
    next: Next


class Belongings(BaseModel):
    """What goes with an app when somebody removes it."""

    model_config = example(
        {"sentence": "This also removes 3 previews (2 running) and the gate api.", "stacks": []}
    )

    sentence: str = Field(description="What is removed too; empty if that is nothing.")
    stacks: list[str] = Field(
        description="The stacks of which it is a member. While there are any, it cannot be removed."
    )


AsOf = Annotated[
    float | None,
    Field(
        description="If the repository cannot be read now: when the label led there, in seconds "
        "since the epoch, or null if that is not known. Else null.",
    ),
]
OutOfDate = Annotated[
    str, Field(description="Why the repository cannot be read now; empty if it was read.")
]


class Lead(BaseModel):
    """The commit that a label leads to."""

    model_config = example(
        {
            "app": "hello",
            "label": "main",
            "sha": SHA,
            "commit": SHA,
            "kind": "branch",
            "ref": "main",
            "author": "Ada",
            "subject": "Greet in three languages",
            "committed": 1764031200.0,
            "url": "http://main.hello.localhost:8080/",
            "as_of": None,
            "problem": "",
            "place": None,
        }
    )

    app: str
    label: str
    sha: str = Field(description="The id of its preview: that of the commit, but for a variant's.")
    commit: str
    kind: Literal["branch", "tag", "pull", "commit"]
    ref: str | None = Field(description="The branch's or tag's name.")
    author: str
    subject: str
    committed: float = Field(description="In seconds since the epoch.")
    url: str
    as_of: AsOf = None
    problem: OutOfDate = ""
    place: VariantPlace | None = Field(
        default=None, description="The variant of whose own instance it is the label; null: none."
    )
