"""What the middleware needs to know of an operation: declared once, on its route.

A route gets its Operation when it is made. An operation that no route declares needs an admin token
for all apps.
"""

import enum
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Any, ClassVar, NamedTuple, TypedDict, TypeVar, Unpack

from fastapi import APIRouter, Response, Security
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from pydantic import BaseModel
from starlette.routing import BaseRoute, compile_path

from framework.access import OPERATOR, Identity, Scope
from framework.http_api.http import conditional
from framework.http_api.http.parameters import DURABLE_KEY, IDEMPOTENCY_KEY
from framework.http_api.http.problems import document

_F = TypeVar("_F", bound=Callable[..., Any])
_DECLARED = "declared_operation"

BODY_LIMIT = 64 * 1024
"""How many bytes a body may have."""


class Reach(enum.Enum):
    """What a token for one app may do with an operation."""

    NOTHING = "nothing: it is about the installation, or about all apps"
    ITS_PATH = "all of it, if the path names that app"
    ITS_SHARE = "what belongs to that app; the route itself sees to that"


class Operation(NamedTuple):
    """Who may make a call, and how it is handled.

    It needs `scope`; with `for_proxies` a proxy may make it, too. `action` is its name in the audit
    log; every write has one. Proxies send a report every few seconds, and it changes no setting, so
    the audit log notes only refused ones. What `is_of_strangers` is passed on from anybody; of it
    the log notes nothing, or strangers could fill it. With `takes_key` an order with the same
    Idempotency-Key is done once; with `keeps_key` the route itself sees to that, in the store.
    """

    scope: Scope
    reach: Reach = Reach.NOTHING
    for_proxies: bool = False
    action: str = ""
    is_report: bool = False
    is_of_strangers: bool = False
    body_limit: int = BODY_LIMIT
    takes_key: bool = False
    keeps_key: bool = False

    def has_scope(self, identity: Identity) -> bool:
        """Return whether `identity` has the scope for it, in some app at least."""
        if self._is_for_all_of(identity):
            return True
        highest = identity.highest
        return highest is not None and highest.includes(self.scope)

    def is_within(self, identity: Identity, app: str) -> bool:
        """Return whether it has the scope where that counts; `app` is the app in the path."""
        if self.reach is Reach.ITS_SHARE or self._is_for_all_of(identity):
            return True
        return identity.may(self.scope, app if self.reach is Reach.ITS_PATH else "")

    def _is_for_all_of(self, identity: Identity) -> bool:
        """Whether the caller is a proxy and proxies may make this call."""
        if self.scope is Scope.PROXY and identity.name == OPERATOR:
            return True  # where proxies have no token of their own, they use this one
        return identity.scope is Scope.PROXY and self.for_proxies


UNDECLARED = Operation(Scope.ADMIN)


class Declared(NamedTuple):
    """An operation, and the `pattern` of its route, which matches its paths."""

    method: str
    pattern: re.Pattern[str]
    target: str
    operation: Operation

    def name_target(self, parameters: Mapping[str, str]) -> str:
        """Return what a write is done to: `hello`, `hello/5c80e7d…`, `hello/environment/KEY`."""
        return self.target.format(**parameters)


class Documented(TypedDict, total=False):
    """What the OpenAPI description says about a route's answers."""

    status_code: int
    response_model: type[BaseModel]
    response_class: type[Response]
    responses: dict[int | str, dict[str, Any]]


_BEARER = (
    "An API token: the operator's, one of the proxies', one that POST /v1/tokens has made, or a "
    "person's, from `prevs login`. Those of POST /v1/tokens have the scope `read`, `use` or "
    "`admin`; each includes the ones before it. Each call says which scope it needs, and what a "
    "token for one app gets of it."
)


class Added(NamedTuple):
    """What was added to a router: who answers, and what the description says of it."""

    method: str
    path: str
    endpoint: Callable[..., Any]
    documented: Documented
    extra: dict[str, Any] | None
    declared: "operation | None" = None


@dataclass(frozen=True)
class operation:
    """Declares, on the function that answers it, an operation of the API.

    `refuses` are the statuses of its refusals. Those that all calls have, and those of a body and
    of a key, follow. `with_etag` is the model of an answer from `conditional.answer`. `answers` are
    more ones, and `status_code`, `response_model` and `response_class` are as FastAPI has them.
    Its description is the function's docstring, and its action, if it says no other, the function's
    name.
    """

    method: str
    path: str
    scope: Scope
    reach: Reach = Reach.NOTHING
    _: KW_ONLY
    action: str = ""
    for_proxies: bool = False
    is_report: bool = False
    is_of_strangers: bool = False
    body_limit: int = BODY_LIMIT
    takes_key: bool = False
    keeps_key: bool = False
    refuses: Sequence[int] = ()
    status_code: int | None = None
    with_etag: type[BaseModel] | None = None
    response_model: type[BaseModel] | None = None
    response_class: type[Response] | None = None
    answers: Mapping[int | str, dict[str, Any]] = field(default_factory=dict)

    def __call__(self, function: _F) -> _F:
        """Declare it on `function`, which stays as it is."""
        action = self.action or function.__name__.replace("_", " ")
        status = self.status_code
        if status is None and function.__annotations__.get("return", self) is None:
            status = 204
        setattr(function, _DECLARED, replace(self, action=action, status_code=status))
        return function


def read_declared(function: object) -> operation | None:
    """Return the operation that is declared on a function."""
    found: operation | None = getattr(function, _DECLARED, None)
    return found


class Routes:
    """Functions that answer operations. `tag` groups these in the description."""

    tag: ClassVar[str]
    is_described: ClassVar[bool] = True

    def make_router(self) -> "OperationRouter":
        """Return the routes of these calls."""
        router = OperationRouter(self.tag, is_described=self.is_described)
        for name, function in vars(type(self)).items():
            if declared := read_declared(function):
                router.declare(declared, getattr(self, name))
        return router


class OperationRouter:
    """Routes of the API, none without its operation. `declared` is in the order of `added`."""

    def __init__(self, tag: str, prefix: str = "", *, is_described: bool = True) -> None:
        self.added: list[Added] = []
        self.declared: list[Declared] = []
        self._tag = tag
        self._prefix = prefix
        self._is_described = is_described

    def add(
        self,
        method: str,
        path: str,
        endpoint: Callable[..., Any],
        operation: Operation,
        **documented: Unpack[Documented],
    ) -> None:
        """Have `endpoint` answer a method of a path."""
        extra = IDEMPOTENCY_KEY if operation.takes_key else None
        extra = DURABLE_KEY if operation.keeps_key else extra
        path = self._prefix + path
        self.added.append(Added(method, path, endpoint, documented, extra))
        self.declared.append(declare(method, path, operation))

    def declare(self, one: operation, endpoint: Callable[..., Any]) -> None:
        """Have `endpoint` answer what is declared on it."""
        more: Any = {
            "status_code": one.status_code,
            "response_model": one.response_model or one.with_etag,
            "response_class": one.response_class,
        }
        documented: Any = {name: value for name, value in more.items() if value is not None}
        documented["responses"] = {
            **(conditional.DOCUMENTED if one.with_etag else {}),
            **one.answers,
        }
        names = set(Operation._fields)
        made = Operation(**{name: value for name, value in vars(one).items() if name in names})
        self.add(one.method, one.path, endpoint, made, **documented)
        self.added[-1] = self.added[-1]._replace(declared=one)

    def make_routes(self) -> Sequence[BaseRoute]:
        """Return routes for an application to take as they are. This takes a millisecond each."""
        # guards.Authentication checks the token, before a route runs. This is only described.
        documented = Security(HTTPBearer(auto_error=False, description=_BEARER))
        router = APIRouter(
            tags=[self._tag],
            include_in_schema=self._is_described,
            dependencies=[documented],
            generate_unique_id_function=name_operation,
        )
        for one in self.added:
            router.add_api_route(
                one.path,
                one.endpoint,
                methods=[one.method],
                openapi_extra=one.extra,
                **one.documented,
            )
            if one.declared is not None:
                _document_refusals(router.routes[-1], one.declared)
        return router.routes


def _document_refusals(route: Any, declared: operation) -> None:
    statuses = {*declared.refuses}
    has_key = declared.takes_key or declared.keeps_key
    if route.body_field is not None or has_key:
        statuses |= {400, 413}
    if has_key:
        statuses.add(409)
    route.responses |= document(*statuses)


def name_operation(route: APIRoute) -> str:
    """Return the id of a call: the name of the function that answers it."""
    return route.name


def declare(method: str, path: str, operation: Operation) -> Declared:
    """Return an operation with the pattern of its route's path."""
    pattern, shown, _ = compile_path(path)
    return Declared(method, pattern, _find_target(shown), operation)


def _find_target(path: str) -> str:
    """Return what names the target in a path: {app}/{sha} of /v1/previews/{app}/{sha}/retry."""
    named = path.split("/")[3:]
    while named and not named[-1].startswith("{"):
        named.pop()
    return "/".join(named)
