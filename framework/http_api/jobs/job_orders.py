"""What somebody orders with POST /v1/apps/{app}/jobs, as /docs shows it."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Self

from fastapi import Body
from pydantic import AfterValidator, BaseModel, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from framework.apps import receivers
from framework.apps.manifest import declared
from framework.apps.manifest.keys import OwnName
from framework.apps.manifest.values import MOST_VARIABLES, MOST_WORDS, Text
from framework.http_api.http.examples import order_example
from prevs.job_settings import JobSettings
from prevs.names import is_job_name

MOST_JOBS = 1000
MOST_PAYLOAD = 64 * 1024
"""Bytes of a payload."""
MOST_GIVEN = 32 * 1024
"""Characters of a job's own variables, and of its command."""

_NAME = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
GROUP = r"^[a-z0-9-]{1,63}$"
_NO_NUL = "^[^\0]*$"
_BASE64 = r"^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"

_EXAMPLE: dict[str, Any] = {
    "label": "main",
    "job": "report",
    "payload": '{"month": 11}',
    "group": "november",
}


_NULL: dict[str, Any] = {"type": "null"}


def _not_both(first: str, second: str, nothing: dict[str, Any]) -> dict[str, Any]:
    """Return a schema of which one of two fields is left out, or is as `nothing` says."""
    return {"anyOf": [{"properties": {name: nothing}} for name in (first, second)]}


_TOGETHER: dict[str, Any] = {
    "allOf": [
        {
            "oneOf": [
                {"required": ["job"], "properties": {"job": {"type": "string"}, "command": _NULL}},
                {
                    "required": ["command"],
                    "properties": {"command": {"type": "array"}, "job": _NULL},
                },
            ]
        },
        _not_both("payload", "payload_base64", _NULL),
        _not_both("once", "retries", {"enum": [None, False, 0]}),
        _not_both("no_retry", "retry_only", {"enum": [None, []]}),
    ]
}
"""Which fields go together, for the description; `_check` and [jobs.NAME] have the messages."""


def _check_name(value: str) -> str:
    if not is_job_name(value):
        raise PydanticCustomError(
            "job_name", "must have 1 to 40 characters of a-z, 0-9 and -, and no - at an end"
        )
    return value


def _check_receiver(value: str) -> str:
    if receivers.find_name_problem(value):
        raise PydanticCustomError(
            "receiver", "must be the name of a receiver, which `prevs notify add` adds"
        )
    return value


def _check_first(value: list[str]) -> list[str]:
    if not value[0]:
        raise PydanticCustomError("first_word", "must begin with the name of a program")
    return value


def _check_base64(value: str) -> str:
    try:
        base64.b64decode(value, validate=True)
    except ValueError:
        raise PydanticCustomError("base64", "is not base64") from None
    return value


_Name = Annotated[
    str,
    AfterValidator(_check_name),
    Field(json_schema_extra={"minLength": 1, "maxLength": 40, "pattern": _NAME}),
]
_Receiver = Annotated[
    str, AfterValidator(_check_receiver), Field(json_schema_extra={"pattern": receivers.NAME})
]
_Text = Annotated[Text, Field(json_schema_extra={"pattern": _NO_NUL})]
_Command = Annotated[
    list[_Text],
    Field(min_length=1, max_length=MOST_WORDS),
    AfterValidator(_check_first),
    Field(json_schema_extra={"prefixItems": [{"type": "string", "minLength": 1}]}),
]


_TERMS = declared.terms_of(JobSettings, {"exclusive": _Name})


class _Wanted(BaseModel):
    """What is to run, on what."""

    label: str = Field(description="A commit (7 to 40 digits), or a branch's or tag's slug.")
    job: _Name | None = Field(
        default=None, description="The NAME of a [jobs.NAME] in the commit's .prevs.toml."
    )
    command: _Command | None = Field(
        default=None,
        description="The command, as a list of words, instead of `job`. No shell runs it. Needs "
        "the scope `admin`, as all of the following but what is marked.",
    )
    payload: str | None = Field(
        default=None,
        max_length=MOST_PAYLOAD,
        repr=False,
        description="What the command finds in the file /run/prevs/payload; at most 64 KB in "
        "UTF-8. It is stored sealed, and never shown again. With the scope `use`.",
    )
    payload_base64: Annotated[str, AfterValidator(_check_base64)] | None = Field(
        default=None,
        repr=False,
        json_schema_extra={"maxLength": -(-MOST_PAYLOAD // 3) * 4, "pattern": _BASE64},
        description="The same, for any bytes. With the scope `use`.",
    )
    stdin: bool = Field(
        default=False,
        description="Whether the command reads the payload from its input too. With the scope "
        "`use`.",
    )
    environment: dict[OwnName, _Text] | None = Field(
        default=None,
        max_length=MOST_VARIABLES,
        repr=False,
        description="Variables for this job alone, before the app's. Stored as the payload is.",
        json_schema_extra={
            "propertyNames": {"pattern": "^(?!PREVS_|PORT$)[A-Za-z_][A-Za-z0-9_]*$"}
        },
    )
    group: str | None = Field(
        default=None,
        pattern=GROUP,
        description="What jobs that belong together share: they are listed and cancelled by it. "
        "With the scope `use`.",
    )
    callback: _Receiver | None = Field(
        default=None,
        description="The name of a receiver of the app's notifications: it is told when the job "
        "has ended. With the scope `use`.",
    )


class JobOrder(_TERMS, _Wanted):  # type: ignore[misc, valid-type] # terms follow from JobSettings
    """A job to start: one of the commit's [jobs.NAME], or a command.

    What is left out, or null, is as the commit's settings say; a command has the defaults of
    [jobs.NAME].
    """

    model_config = order_example(_EXAMPLE, _TOGETHER)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.job is None) is (self.command is None):
            raise PydanticCustomError("job", "needs `job` or `command`, and not both")
        if self.payload is not None and self.payload_base64 is not None:
            raise PydanticCustomError("payload", "may have `payload` or `payload_base64`, not both")
        if (size := len(self.read_payload() or b"")) > MOST_PAYLOAD:
            raise PydanticCustomError(
                "payload",
                "has a payload of {size} bytes; at most {most} are allowed: put more where the "
                "command can fetch it",
                {"size": size, "most": MOST_PAYLOAD},
            )
        if self._count_given() > MOST_GIVEN:
            raise PydanticCustomError(
                "given",
                "has a command or variables of more than {most} characters",
                {"most": MOST_GIVEN},
            )
        return self

    def read_payload(self) -> bytes | None:
        """Return the bytes of the payload, None without one."""
        if self.payload_base64 is None:
            return None if self.payload is None else self.payload.encode()
        return base64.b64decode(self.payload_base64, validate=True)

    def _count_given(self) -> int:
        variables = self.environment or {}
        return sum(map(len, (*(self.command or ()), *variables, *variables.values())))


class JobOrders(BaseModel):
    """Jobs to start together: all of them, or none."""

    model_config = order_example({"jobs": [_EXAMPLE]})

    jobs: list[JobOrder] = Field(min_length=1, max_length=MOST_JOBS)


def _kind(order: object) -> str:
    is_many = "jobs" in order if isinstance(order, Mapping) else isinstance(order, JobOrders)
    return "(many)" if is_many else "(one)"


Orders = Annotated[
    Annotated[JobOrder, Tag("(one)")] | Annotated[JobOrders, Tag("(many)")],
    Discriminator(_kind),
    Body(),
]
"""One job, or many. Names in parentheses are no fields: problems do not show them."""


def list_orders(order: JobOrder | JobOrders) -> Sequence[JobOrder]:
    """Return the jobs that are ordered."""
    return order.jobs if isinstance(order, JobOrders) else (order,)


def digest(key: str, order: BaseModel) -> str:
    """Return what tells an order from others with its idempotency key.

    The key is in it, and nobody stores it: so nobody can guess a payload from the digest.
    """
    text = order.model_dump_json(exclude_unset=True)
    return hashlib.sha256(f"{key}\0{text}".encode()).hexdigest()[:16]
