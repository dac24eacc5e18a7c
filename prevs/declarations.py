"""Settings that are declared once, as fields of a record, with all that is said about them.

The API's orders and answers, the options and table of the command line, the dashboard's form and
the documentation follow from them.
"""

import dataclasses
import enum
import functools
import typing
from collections.abc import Sequence
from typing import Any, NamedTuple, Optional

_ABOUT = "about"
_LOWERED = "With the scope `use`, at most what the commit has."


@dataclasses.dataclass(frozen=True)
class About:
    """What people and programs are told about a setting, and what it may be."""

    title: str
    """A few words: the label in the form."""

    text: str
    """One sentence, in Markdown without links."""

    example: Any
    unit: str = ""
    """What a number counts: seconds, MB. `time` for a moment, in seconds since the epoch."""

    choices: Sequence[str] = ()

    least: Optional[float] = None
    most: Optional[float] = None

    zero: str = ""
    """What 0 means, in a few words."""

    longest: Optional[int] = None
    """The length of a text, or of each text in a list."""

    most_items: Optional[int] = None
    """The length of a list."""

    form: str = ""
    """The `format` in the API's description, for a text that no pattern describes."""

    pattern: str = ""
    option: str = ""
    """The option of the command line, if it is not named after the field."""

    page: str = ""
    """The dashboard's page that has its field, if that is not the one of the record itself."""

    metavar: str = ""
    """What stands for a value in the command line's help, if that is not the unit."""

    is_left_out: bool = False
    """An empty text or 0 stands for none, which is null in the API."""

    is_lowered: bool = False
    """Those who may not choose it may still order less than what a commit has."""

    order_text: str = ""
    """A further sentence for those who order it, in the API or by an option."""

    file_text: str = ""
    """A further sentence for those who write it in a file."""

    file_examples: Sequence[str] = ()
    """Values as that file has them."""

    file_key: str = ""
    """The key in that file, if it is not named after the field."""


class Setting(NamedTuple):
    """A declared field: `kind` is that of a value, or of each value in a list."""

    name: str
    kind: Any
    is_list: bool
    default: Any
    """dataclasses.MISSING if there is none."""

    about: About

    @property
    def is_required(self) -> bool:
        """Whether it has no default."""
        return self.default is dataclasses.MISSING

    @property
    def may_be_null(self) -> bool:
        """Whether it may be null in the API."""
        return self.default is None or self.about.is_left_out

    @property
    def order_text(self) -> str:
        """What those are told who order it."""
        bound = _LOWERED if self.about.is_lowered else ""
        return " ".join(filter(None, (self.about.text, self.about.order_text, bound)))

    @property
    def written_kind(self) -> Any:
        """The kind of what people write: a text for a moment."""
        return str if self.about.unit == "time" else self.kind

    @property
    def is_whole(self) -> bool:
        """Whether it is a whole number."""
        return self.kind is int


SHARE = {"least": 0.01, "most": 64}
"""The bounds of a CPU share."""
MEMORY = {"least": 16, "most": 1_048_576}
"""Those of a memory limit in MB. No machine that runs previews has more."""


def setting(default: Any, title: str, text: str, **more: Any) -> Any:
    """Return a field of a record. `more` are fields of About; dataclasses.MISSING: no default."""
    more.setdefault("example", None if more.get("is_left_out") else default)
    about = About(title, text, **more)
    return dataclasses.field(default=default, metadata={_ABOUT: about})


@functools.cache
def list_settings(record: type) -> Sequence[Setting]:
    """Return the declared fields of a record, in their order."""
    return [
        Setting(
            name=field.name,
            kind=_find_kind(field.type),
            is_list=_is_list(field.type),
            default=field.default,
            about=_add_choices(field.metadata[_ABOUT], _find_kind(field.type)),
        )
        for field in dataclasses.fields(record)
        if _ABOUT in field.metadata
    ]


def list_values(record: Any) -> dict[str, Any]:
    """Return the values of a record's declared fields, by name."""
    kind: type = type(record)
    return {one.name: getattr(record, one.name) for one in list_settings(kind)}


def _add_choices(about: About, kind: Any) -> About:
    """Return what is said about a setting, with the values of its kind, if they are listed."""
    if not (isinstance(kind, type) and issubclass(kind, enum.Enum)):
        return about
    return dataclasses.replace(about, choices=[one.value for one in kind])


def _find_kind(kind: Any) -> Any:
    """Return the kind of a value: of each one in a list, or of one that may be None."""
    inner = [one for one in typing.get_args(kind) if one is not type(None)]
    return inner[0] if inner else kind


def _is_list(kind: Any) -> bool:
    return typing.get_origin(kind) is tuple
