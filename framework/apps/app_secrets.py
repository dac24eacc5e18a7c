"""What an app is given besides its repository: variables, a credential, a password. Pure.

No repr contains a value, so no log line can.
"""

import dataclasses
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from framework.apps import receivers, ssh_keys, variable_scopes
from framework.apps.access_errors import NoPassword
from framework.apps.forge_settings import UnknownForgeToken
from framework.apps.password_digest import PasswordDigest
from framework.apps.receivers import Receiver, ReceiverExists, UnknownReceiver
from framework.apps.variable_scopes import GivenFor, VariableScope
from framework.errors import InvalidSettings, Problem, UnknownCredential, UnknownVariable
from prevs import codec
from prevs.messages import Credential
from prevs.names import OWN_VARIABLES, PORT, is_own_variable
from prevs.records import PreviewRecord
from prevs.states import ATTEMPTED, State

MOST = 100
"""How many variables an app may have."""
LONGEST_NAME, LONGEST_VALUE = 100, 32 * 1024
"""The name in characters, the value in bytes of UTF-8."""
LONGEST_FILE = 16 * 1024
"""Bytes of a private key, and of a known_hosts file."""
LONGEST_FORGE_TOKEN = 4096
"""Characters. Tokens of GitHub apps have some hundreds."""
LARGEST = 256 * 1024
"""Bytes of everything that an app is given. Sealing adds a third; ZooKeeper allows a megabyte."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_TOKEN = re.compile(r"[!-~]+", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclasses.dataclass(frozen=True)
class Variable:
    """A variable of an app's containers. The value of a `secret` one is never shown.

    `changed` is when it was set, in seconds since the epoch.
    """

    value: str = dataclasses.field(repr=False)
    secret: bool = True
    changed: float = 0.0
    scope: VariableScope = dataclasses.field(default_factory=VariableScope)


@dataclasses.dataclass(frozen=True)
class AppSecrets:
    """Everything that an app is given. The app's name is sealed too: it opens for no other app.

    Its forge signs webhooks with `hook_secret`, and may go on with the former one; "" for none.
    `password` is that of visitors, if they need one.
    `forge_token` is for the API of its forge, "" for none. It never leaves the framework.
    Its events are sent to `receivers`, the oldest first.
    `unset` are variables that it had, without their values: `changed` is when they were unset.
    """

    app: str
    variables: Mapping[str, Variable] = dataclasses.field(default_factory=dict)
    credential: Credential | None = None
    credential_changed: float = 0.0
    hook_secret: str = dataclasses.field(default="", repr=False)
    former_hook_secret: str = dataclasses.field(default="", repr=False)
    password: PasswordDigest | None = None
    forge_token: str = dataclasses.field(default="", repr=False)
    forge_token_changed: float = 0.0
    receivers: tuple[Receiver, ...] = ()
    unset: Mapping[str, Variable] = dataclasses.field(default_factory=dict)

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that are not secret."""
        return {name: one.value for name, one in self.variables.items() if not one.secret}

    @property
    def secrets(self) -> Mapping[str, str]:
        """The variables that are secret."""
        return {name: one.value for name, one in self.variables.items() if one.secret}

    def only_for(self, use: GivenFor) -> tuple[str, ...]:
        """Return the names of the variables that are for exactly this use."""
        names = (name for name, one in self.variables.items() if one.scope.given_for is use)
        return tuple(sorted(names))

    @property
    def is_scoped(self) -> bool:
        """Whether some variables are not for every commit."""
        return not all(one.scope.is_for_all for one in self.variables.values())

    def for_refs(self, refs: Collection[str]) -> "AppSecrets":
        """Return the secrets with the variables alone that a commit at these `refs` gets."""
        variables = {name: one for name, one in self.variables.items() if one.scope.holds(refs)}
        return dataclasses.replace(self, variables=variables)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to store."""
        given = (self.variables, self.credential, self.hook_secrets, self.password)
        return not (any(given) or self.unset or self.forge_token or self.receivers)

    @property
    def hook_secrets(self) -> tuple[str, ...]:
        """The secrets that webhooks are verified with: none, one or two."""
        return tuple(filter(None, (self.hook_secret, self.former_hook_secret)))

    def encode(self) -> bytes:
        """Return the bytes to seal. Raises InvalidSettings if there are too many."""
        data = codec.encode(self, 1)
        if len(data) > LARGEST:
            wrong = (
                f"the variables, the credential, the tokens and the receivers of {self.app!r} may "
                f"have {LARGEST} bytes together; they have {len(data)}"
            )
            raise InvalidSettings([Problem("value", wrong)])
        return data

    @staticmethod
    def decode(data: bytes) -> "AppSecrets":
        """Return what `encode` made these bytes of. Raises RecordError."""
        return codec.decode(AppSecrets, 1, data)


def find_name_problem(name: str) -> str | None:
    """Return what is wrong with a variable's name, or None."""
    if not _NAME.fullmatch(name):
        return "must consist of letters, digits and _, and not begin with a digit"
    if len(name) > LONGEST_NAME:
        return f"is longer than {LONGEST_NAME} characters"
    if is_own_variable(name):
        return f"is reserved: prevs sets {PORT} and {OWN_VARIABLES}… itself"
    return None


def find_value_problem(value: str, longest: int = LONGEST_VALUE) -> str | None:
    """Return why a text cannot be a value of at most `longest` bytes; None if it can."""
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        return "cannot be encoded as UTF-8"
    if size > longest:
        return f"has {size} bytes; at most {longest} are allowed"
    if "\0" in value:
        return "contains a zero byte"
    return None


def find_credential_problems(credential: Credential) -> list[Problem]:
    """Return what is wrong with a credential: it must be a password or a key, of bounded size."""
    problems = [
        Problem(field, problem)
        for field, text in _fields(credential).items()
        if (problem := find_value_problem(text, LONGEST_FILE))
    ]
    if credential.private_key:
        if credential.password or credential.username:
            alone = (
                "cannot go with a username or a password: ssh's user is part of the repository's "
                "address"
            )
            problems.append(Problem("private_key", alone))
        if problem := ssh_keys.find_problem(credential.private_key):
            problems.append(Problem("private_key", problem))
        if not credential.known_hosts.strip():
            missing = (
                "is missing: a key is useless without the host's keys (`ssh-keyscan HOST` prints "
                "them)"
            )
            problems.append(Problem("known_hosts", missing))
    elif not credential.password:
        problems.append(Problem("password", "is missing, and so is private_key"))
    elif credential.known_hosts:
        problems.append(Problem("known_hosts", "can only go with a private_key"))
    elif _CONTROL.search(credential.username + credential.password):
        problems.append(Problem("password", "contains line breaks or control characters"))
    return problems


def with_variable(
    given: AppSecrets, name: str, variable: Variable, scope: Mapping[str, Any] | None = None
) -> AppSecrets:
    """Return what an app is given, with a variable set; one that is so already keeps its time.

    `scope` has the fields of the variable's scope that change; the others stay as they were.
    """
    before = given.variables.get(name)
    wanted = dataclasses.replace(before.scope if before else variable.scope, **(scope or {}))
    variable = dataclasses.replace(variable, scope=wanted)
    if before and before == dataclasses.replace(variable, changed=before.changed):
        return given
    found = {
        "name": find_name_problem(name),
        "value": find_value_problem(variable.value),
        "branches": variable_scopes.find_patterns_problem(wanted.branches),
        "tags": variable_scopes.find_patterns_problem(wanted.tags),
    }
    if name not in given.variables and len(given.variables) >= MOST:
        found["name"] = f"is one too many: at most {MOST} variables are allowed"
    if problems := [Problem(field, problem) for field, problem in found.items() if problem]:
        raise InvalidSettings(problems)
    return dataclasses.replace(
        given,
        variables={**given.variables, name: variable},
        unset={other: one for other, one in given.unset.items() if other != name},
    )


def with_variables(
    given: AppSecrets, new: Mapping[str, Variable], scope: Mapping[str, Any] | None = None
) -> AppSecrets:
    """Return what an app is given, with several variables set, as `with_variable` sets one.

    Raises InvalidSettings with the problems of all; those of one have its name as their field.
    """
    problems: list[Problem] = []
    for name, variable in new.items():
        try:
            given = with_variable(given, name, variable, scope)
        except InvalidSettings as error:
            own = {"name": name, "value": name}
            problems += [
                one._replace(field=own.get(one.field, one.field)) for one in error.problems
            ]
    if problems:
        raise InvalidSettings(list(dict.fromkeys(problems)))
    return given


class Difference(NamedTuple):
    """What became of variables that were set: the names of each kind, in order."""

    new: tuple[str, ...]
    changed: tuple[str, ...]
    same: tuple[str, ...]


def compare(before: AppSecrets, after: AppSecrets, names: Iterable[str]) -> Difference:
    """Return what became of the variables that were set between two times."""
    new: list[str] = []
    changed: list[str] = []
    same: list[str] = []
    for name in sorted(names):
        known = before.variables.get(name)
        kind = new if known is None else same if known == after.variables[name] else changed
        kind.append(name)
    return Difference(tuple(new), tuple(changed), tuple(same))


def find_older(given: AppSecrets, preview: PreviewRecord) -> tuple[str, ...]:
    """Return the names of the variables that were set or unset since its attempt was placed.

    Its containers would get them differently now. Those for builds alone do not count: an image
    that exists is not built again for them.
    """
    if preview.state not in ATTEMPTED or preview.stranger:
        return ()
    placed = [step.began for step in preview.steps if step.name == State.PLACED.value]
    if not placed:
        return ()
    known = {**given.unset, **given.variables}
    return tuple(
        sorted(
            name
            for name, one in known.items()
            if one.changed > placed[-1]
            and one.scope.given_for is not GivenFor.BUILD
            and one.scope.holds(preview.refs)
        )
    )


def without_variable(given: AppSecrets, name: str, now: float) -> AppSecrets:
    """Return what an app is given, without one variable. Raises UnknownVariable."""
    if name not in given.variables:
        raise UnknownVariable(given.app, name)
    return _without(given, [name], now)


def without_variables(given: AppSecrets, now: float) -> AppSecrets:
    """Return what an app is given, without any variable."""
    return _without(given, given.variables, now)


def _without(given: AppSecrets, names: Collection[str], now: float) -> AppSecrets:
    gone = {
        name: dataclasses.replace(given.variables[name], value="", changed=now) for name in names
    }
    newest = sorted({**given.unset, **gone}.items(), key=lambda one: one[1].changed)[-MOST:]
    left = {name: one for name, one in given.variables.items() if name not in gone}
    return dataclasses.replace(given, variables=left, unset=dict(newest))


def with_credential(given: AppSecrets, credential: Credential, now: float) -> AppSecrets:
    """Return what an app is given, with a new credential. Raises InvalidSettings."""
    if problems := find_credential_problems(credential):
        raise InvalidSettings(problems)
    return dataclasses.replace(given, credential=credential, credential_changed=now)


def without_credential(given: AppSecrets) -> AppSecrets:
    """Return what an app is given, without its credential."""
    if given.credential is None:
        raise UnknownCredential(given.app)
    return dataclasses.replace(given, credential=None, credential_changed=0.0)


def with_hook_secret(given: AppSecrets, secret: str) -> AppSecrets:
    """Return what an app is given, with a new webhook secret; the one before stays valid."""
    if secret == given.hook_secret:
        return given
    former = given.hook_secret
    return dataclasses.replace(given, hook_secret=secret, former_hook_secret=former)


def without_hook_secret(given: AppSecrets, *, former_only: bool) -> AppSecrets:
    """Return what an app is given, without its webhook secrets, or without the former one."""
    kept = given.hook_secret if former_only else ""
    return dataclasses.replace(given, hook_secret=kept, former_hook_secret="")


def with_password(given: AppSecrets, password: PasswordDigest | None) -> AppSecrets:
    """Return what an app is given, with a new password of its visitors; None keeps the one it has.

    Raises NoPassword if there is none then.
    """
    if password is not None:
        return dataclasses.replace(given, password=password)
    if given.password is None:
        raise NoPassword(given.app)
    return given


def with_forge_token(given: AppSecrets, token: str, now: float) -> AppSecrets:
    """Return what an app is given, with a new token for its forge."""
    if len(token) > LONGEST_FORGE_TOKEN or not _TOKEN.fullmatch(token):
        wrong = f"must have 1 to {LONGEST_FORGE_TOKEN} ASCII characters, none of them a space"
        raise InvalidSettings([Problem("token", wrong)])
    return dataclasses.replace(given, forge_token=token, forge_token_changed=now)


def without_forge_token(given: AppSecrets) -> AppSecrets:
    """Return what an app is given, without the token for its forge."""
    if not given.forge_token:
        raise UnknownForgeToken(given.app)
    return dataclasses.replace(given, forge_token="", forge_token_changed=0.0)


def with_receiver(given: AppSecrets, receiver: Receiver) -> AppSecrets:
    """Return what an app is given, with another receiver.

    Whether its address is allowed is for the caller to say.
    """
    if any(one.name == receiver.name for one in given.receivers):
        raise ReceiverExists(given.app, receiver.name)
    found = {
        "name": receivers.find_name_problem(receiver.name),
        "events": receivers.find_events_problem(receiver.events),
    }
    if len(given.receivers) >= receivers.MOST:
        found["name"] = f"is one too many: an app may have {receivers.MOST} receivers"
    if problems := [Problem(field, problem) for field, problem in found.items() if problem]:
        raise InvalidSettings(problems)
    return dataclasses.replace(given, receivers=(*given.receivers, receiver))


def without_receiver(given: AppSecrets, name: str) -> AppSecrets:
    """Return what an app is given, without one receiver."""
    left = tuple(one for one in given.receivers if one.name != name)
    if left == given.receivers:
        raise UnknownReceiver(given.app, name)
    return dataclasses.replace(given, receivers=left)


def _fields(credential: Credential) -> Mapping[str, str]:
    return {field.name: getattr(credential, field.name) for field in dataclasses.fields(credential)}
