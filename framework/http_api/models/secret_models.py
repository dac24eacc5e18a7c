"""An app's variables and credential, as the API takes and shows them, without secret values."""

from collections.abc import Collection, Mapping
from typing import Annotated, Any, Literal

from fastapi import Body
from pydantic import BaseModel, Discriminator, Field, Tag

from framework.apps import app_secrets, ssh_keys
from framework.apps.app_secrets import (
    LARGEST,
    LONGEST_FILE,
    LONGEST_NAME,
    LONGEST_VALUE,
    MOST,
    AppSecrets,
    Variable,
)
from framework.apps.variable_scopes import LONGEST_PATTERN, MOST_PATTERNS, PATTERN, GivenFor
from framework.http_api.http.examples import example, order_example
from prevs.messages import Credential

HOLDS_FOR = "attempts that begin later"
_NO_CONTROL = r"^[^\x00-\x1f\x7f]*$"
LONGEST_ORDER = 2 * LARGEST
"""Bytes of the values of several variables in JSON, which writes line ends with two."""
NAME_PATTERN = "^[A-Za-z_][A-Za-z0-9_]*$"

_PLAIN: dict[str, Any] = {
    "name": "MODE",
    "secret": False,
    "value": "preview",
    "changed": 1764031200.0,
    "branches": [],
    "tags": [],
    "given_for": "both",
}
_SECRET: dict[str, Any] = {
    "name": "API_KEY",
    "secret": True,
    "value": None,
    "changed": 1764031200.0,
    "branches": ["main", "release/*"],
    "tags": ["v*"],
    "given_for": "run",
}
_Name = Annotated[
    str,
    Field(json_schema_extra={"minLength": 1, "maxLength": LONGEST_NAME, "pattern": NAME_PATTERN}),
]
_Value = Annotated[
    str,
    Field(
        max_length=LONGEST_VALUE,
        description=f"At most {LONGEST_VALUE} bytes of UTF-8, none of them zero.",
        json_schema_extra={"pattern": r"^[^\x00]*$"},
    ),
]
# framework.apps.variable_scopes checks it, and has the messages for it.
_Pattern = Annotated[
    str,
    Field(
        json_schema_extra={
            "format": "ref-pattern",
            "minLength": 1,
            "maxLength": LONGEST_PATTERN,
            "pattern": f"^{PATTERN}$",
        }
    ),
]
_GivenFor = Literal["build", "run", "both"]
_AS_BEFORE = "If left out, it stays as it is; a new variable is for"


def _patterns(what: str) -> Any:
    return Field(
        default=None,
        description=(
            f"At most {MOST_PATTERNS} patterns for the {what} whose commits get it: `*` matches "
            "anything but a slash, `**` at the end everything that follows. Without patterns "
            f"for branches or tags, all get it. {_AS_BEFORE} all."
        ),
    )


class _Terms(BaseModel):
    """Who has variables, and whether they are secret."""

    secret: bool = Field(
        default=True, description="Whether it is never shown again, and masked in logs."
    )
    branches: list[_Pattern] | None = _patterns("branches")
    tags: list[_Pattern] | None = _patterns("tags")
    given_for: _GivenFor | None = Field(
        default=None,
        description=(
            "Whether steps of the build may mount it, containers have it in their environment, or "
            f"both. {_AS_BEFORE} both."
        ),
    )


class VariableOrder(_Terms):
    """The value of a variable, and who has it."""

    model_config = order_example(
        {"value": "hunter2", "secret": True, "branches": ["main", "release/*"]}
    )

    value: _Value = Field(repr=False)


class VariablesOrder(_Terms):
    """The values of several variables, and who has them."""

    model_config = order_example(
        {"variables": {"DB_HOST": "db", "DB_PASSWORD": "hunter2"}, "secret": True}
    )

    variables: dict[_Name, _Value] = Field(
        min_length=1,
        max_length=MOST,
        description="Their values, by name.",
        repr=False,
        # pydantic writes the names' pattern as `patternProperties`, which lets other names through.
        json_schema_extra={"additionalProperties": False},
    )


class ShownVariable(BaseModel):
    """A variable of an app's containers."""

    model_config = example(_SECRET)

    name: str
    secret: bool
    value: str | None = Field(description="null for a secret one.")
    changed: float = Field(description="In seconds since the epoch.")
    branches: list[str] = Field(description="Patterns; with no tags either, all commits have it.")
    tags: list[str]
    given_for: _GivenFor


class SetVariable(ShownVariable):
    """A variable that was just set."""

    model_config = example({**_SECRET, "holds_for": HOLDS_FOR})

    holds_for: Literal["attempts that begin later"] = Field(
        default="attempts that begin later", description="Running previews keep what they have."
    )


class ChangedVariables(BaseModel):
    """What became of variables that were just set, by their names."""

    model_config = example(
        {
            "new": ["DB_HOST"],
            "changed": ["DB_PASSWORD"],
            "same": [],
            "variables": [_SECRET],
            "holds_for": HOLDS_FOR,
        }
    )

    new: list[str]
    changed: list[str]
    same: list[str] = Field(description="Those that were so already; they keep their time.")
    variables: list[ShownVariable] = Field(description="Those that were set, by name.")
    holds_for: Literal["attempts that begin later"] = Field(
        default="attempts that begin later", description="Running previews keep what they have."
    )


class Environment(BaseModel):
    """The variables of an app's containers, by name."""

    model_config = example({"variables": [_SECRET, _PLAIN]})

    variables: list[ShownVariable] = Field(max_length=MOST)


class PasswordOrder(BaseModel):
    """A password or token to read a repository with, over http or https."""

    model_config = order_example({"username": "deploy", "password": "hunter2"})

    username: str = Field(
        default="", max_length=LONGEST_FILE, json_schema_extra={"pattern": _NO_CONTROL}
    )
    password: str = Field(
        max_length=LONGEST_FILE,
        repr=False,
        json_schema_extra={"minLength": 1, "pattern": _NO_CONTROL},
    )


class KeyOrder(BaseModel):
    """A key to read a repository with, over ssh."""

    model_config = order_example(
        {
            "private_key": "-----BEGIN OPENSSH PRIVATE KEY-----\n…",
            "known_hosts": "git.example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO2v",
        }
    )

    private_key: str = Field(
        max_length=LONGEST_FILE,
        repr=False,
        description="The key as a text, without a passphrase.",
        json_schema_extra={"format": "ssh-private-key", "minLength": 1},
    )
    known_hosts: str = Field(
        max_length=LONGEST_FILE,
        description="The keys of the host, as `ssh-keyscan HOST` prints them. No others are "
        "trusted.",
        json_schema_extra={"pattern": r"^[!-~][^\x00]*$"},
    )


def _kind(order: object) -> str:
    of_key = ("private_key", "known_hosts")
    if isinstance(order, Mapping):
        return "ssh-key" if any(field in order for field in of_key) else "password"
    return "ssh-key" if isinstance(order, KeyOrder) else "password"


CredentialOrder = Annotated[
    Annotated[PasswordOrder, Tag("password")] | Annotated[KeyOrder, Tag("ssh-key")],
    Discriminator(_kind),
    Body(),
]


def read_credential(order: PasswordOrder | KeyOrder) -> Credential:
    """Return the Credential of an order."""
    if isinstance(order, PasswordOrder):
        return Credential(order.username, order.password)
    return read_key(order.private_key, order.known_hosts)


def read_key(private_key: str, known_hosts: str) -> Credential:
    """Return the Credential of a key; its lines end as ssh needs them to."""
    key = private_key.replace("\r\n", "\n").strip()
    return Credential(private_key=f"{key}\n", known_hosts=known_hosts)


class ShownCredential(BaseModel):
    """How a repository is read, without the secret part."""

    model_config = example(
        {
            "kind": "ssh-key",
            "username": None,
            "fingerprint": "SHA256:IbyKNrpHk9dxKIYvN5TXBWs9gWVsPNTkXYBbNaRkpVo",
            "known_hosts": "git.example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO2v",
            "changed": 1764031200.0,
        }
    )

    kind: Literal["password", "ssh-key"]
    username: str | None = Field(description="The user name beside the password.")
    fingerprint: str | None = Field(
        description="A key's, as `ssh-keygen -l` shows it, if it has OpenSSH's own format."
    )
    known_hosts: str | None = Field(description="The keys of the host, for a key.")
    changed: float = Field(description="In seconds since the epoch.")


def show_environment(given: AppSecrets) -> Environment:
    """Return the variables as the API shows them."""
    found = sorted(given.variables.items())
    return Environment(variables=[show_variable(name, one) for name, one in found])


def show_variable(name: str, variable: Variable) -> ShownVariable:
    """Return one variable."""
    scope = variable.scope
    return ShownVariable(
        name=name,
        secret=variable.secret,
        value=None if variable.secret else variable.value,
        changed=variable.changed,
        branches=list(scope.branches),
        tags=list(scope.tags),
        given_for=scope.given_for.value,
    )


def show_changed(before: AppSecrets, given: AppSecrets, names: Collection[str]) -> ChangedVariables:
    """Return what became of the variables of these names, which were just set."""
    found = app_secrets.compare(before, given, names)
    return ChangedVariables(
        new=list(found.new),
        changed=list(found.changed),
        same=list(found.same),
        variables=[show_variable(name, given.variables[name]) for name in sorted(names)],
    )


def read_scope(order: VariableOrder | VariablesOrder) -> dict[str, object]:
    """Return those fields of a variable's scope that an order changes."""
    found: dict[str, object] = {}
    for name, patterns in (("branches", order.branches), ("tags", order.tags)):
        if patterns is not None:
            found[name] = tuple(patterns)
    if order.given_for is not None:
        found["given_for"] = GivenFor(order.given_for)
    return found


def show_credential(credential: Credential, changed: float) -> ShownCredential:
    """Return what may be shown of a credential."""
    if credential.private_key:
        return ShownCredential(
            kind="ssh-key",
            username=None,
            fingerprint=ssh_keys.fingerprint(credential.private_key),
            known_hosts=credential.known_hosts,
            changed=changed,
        )
    return ShownCredential(
        kind="password",
        username=credential.username,
        fingerprint=None,
        known_hosts=None,
        changed=changed,
    )
