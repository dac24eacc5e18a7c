"""Operations of the API. Each is declared once, on the function that answers it.

From the declaration follow its route, its description, who may call it, what the audit log says of
it, and how large its body may be. What no function declares needs an admin token for all apps.
"""

import enum
import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Any, ClassVar, NamedTuple, TypeVar

from fastapi import APIRouter, Response, Security
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from pydantic import BaseModel
from starlette.routing import BaseRoute, compile_path

from framework.access import OPERATOR, Identity, Scope
from framework.http_api.http import conditional
from framework.http_api.http.parameters import DURABLE_KEY, IDEMPOTENCY_KEY
from framework.http_api.http.problems import document

BODY_LIMIT = 64 * 1024
"""How many bytes a body may have."""

_Function = TypeVar("_Function", bound=Callable[..., Any])
_DECLARED = "declared_operation"


class Reach(enum.Enum):
    """What a token for one app may do with an operation."""

    NOTHING = "nothing: it is about the installation, or about all apps"
    ITS_PATH = "all of it, if the path names that app"
    ITS_SHARE = "what belongs to that app; the route itself sees to that"


@dataclass(frozen=True)
class Operation:
    """Who may make a call, and how it is handled.

    As a decorator it declares this on the function that answers. The function's name is the call's
    id, its docstring is the description, its model the body, and an answer of None is a 204.
    """

    method: str
    path: str
    """As a route has it: /v1/apps/{app}/labels/{label:path}."""
    scope: Scope
    """What the token has to allow."""
    reach: Reach = Reach.NOTHING

    _: KW_ONLY
    for_proxies: bool = False
    """A proxy may make the call, too."""
    action: str = ""
    """Its name in the audit log. Not given: the function's name, in words."""
    is_report: bool = False
    """It comes every few seconds, or changes nothing: the audit log notes refused ones alone."""
    is_of_strangers: bool = False
    """Proxies pass it on from anybody: of it the log notes nothing, or strangers could fill it."""
    body_limit: int = BODY_LIMIT
    """In bytes."""
    takes_key: bool = False
    """An order with the same Idempotency-Key is done once."""
    keeps_key: bool = False
    """So it is, and the function itself sees to that, in the store."""

    refuses: Sequence[int] = ()
    """The statuses of its refusals. Those of all calls, of a body and of a key follow."""
    status_code: int | None = None
    """That of its answer, if it is neither 200 nor 204."""
    with_etag: type[BaseModel] | None = None
    """The model of an answer that `conditional.answer` has made."""
    response_model: type[BaseModel] | None = None
    """The model of an answer, if it is not what the function returns."""
    response_class: type[Response] | None = None
    """Response: the answer is no JSON."""
    answers: Mapping[int | str, dict[str, Any]] = field(default_factory=dict)
    """Its other answers, as OpenAPI describes them."""

    def __call__(self, function: _Function) -> _Function:
        """Declare it on a function, and return that as it is."""
        action = self.action or function.__name__.replace("_", " ")
        status = self.status_code
        if status is None and function.__annotations__.get("return", ...) is None:
            status = 204
        setattr(function, _DECLARED, replace(self, action=action, status_code=status))
        return function

    @functools.cached_property
    def pattern(self) -> re.Pattern[str]:
        """What matches its paths: that of its route."""
        return compile_path(self.path)[0]

    @functools.cached_property
    def shown_path(self) -> str:
        """Its path, as the description has it."""
        return compile_path(self.path)[1]

    @functools.cached_property
    def target(self) -> str:
        """What a write is done to: {app}/{sha} of /v1/previews/{app}/{sha}/retry."""
        named = self.shown_path.split("/")[3:]
        while named and not named[-1].startswith("{"):
            named.pop()
        return "/".join(named)

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


operation = Operation
UNDECLARED = Operation("", "", Scope.ADMIN)

_BEARER = (
    "An API token: the operator's, one of the proxies', one that POST /v1/tokens has made, or a "
    "person's, from `prevs login`. Those of POST /v1/tokens have the scope `read`, `use` or "
    "`admin`; each includes the ones before it. Each call says which scope it needs, and what a "
    "token for one app gets of it."
)


class Endpoint(NamedTuple):
    """An operation, and the function that answers it."""

    operation: Operation
    answer: Callable[..., Any]


class Routes:
    """Functions that answer operations. `tag` groups these in the description."""

    tag: ClassVar[str]
    is_described: ClassVar[bool] = True

    def list_endpoints(self) -> Sequence[Endpoint]:
        """Return the operations that its functions declare, in the order of these."""
        declared = {name: getattr(one, _DECLARED, None) for name, one in vars(type(self)).items()}
        return [Endpoint(one, getattr(self, name)) for name, one in declared.items() if one]

    def make_routes(self) -> Sequence[BaseRoute]:
        """Return routes for an application to take as they are. This takes a millisecond each."""
        return make_routes(type(self), self.list_endpoints())


def make_routes(kind: type[Routes], endpoints: Iterable[Endpoint]) -> Sequence[BaseRoute]:
    """Return the routes of endpoints, with the tag of `kind`."""
    # guards.Authentication checks the token, before a route runs. This is only described.
    documented = Security(HTTPBearer(auto_error=False, description=_BEARER))
    router = APIRouter(
        tags=[kind.tag],
        include_in_schema=kind.is_described,
        dependencies=[documented],
        generate_unique_id_function=name_operation,
    )
    for one, answer in endpoints:
        router.add_api_route(one.path, answer, methods=[one.method], **dict(_document(one)))
        made = router.routes[-1]
        assert isinstance(made, APIRoute)  # noqa: S101 # add_api_route has made it
        has_body = made.body_field is not None
        made.responses |= document(*_list_refusals(one, has_body=has_body))
    return router.routes


def name_operation(route: APIRoute) -> str:
    """Return the id of a call: the name of the function that answers it."""
    return route.name


def _document(one: Operation) -> Iterator[tuple[str, Any]]:
    """Yield what FastAPI takes to describe an operation, but for its refusals."""
    yield "responses", {**(conditional.DOCUMENTED if one.with_etag else {}), **one.answers}
    if one.status_code is not None:
        yield "status_code", one.status_code
    if model := one.with_etag or one.response_model:
        yield "response_model", model
    if one.response_class:
        yield "response_class", one.response_class
    if one.keeps_key or one.takes_key:
        yield "openapi_extra", DURABLE_KEY if one.keeps_key else IDEMPOTENCY_KEY


def _list_refusals(one: Operation, *, has_body: bool) -> set[int]:
    """Return the statuses of an operation's refusals, without those that all calls have."""
    has_key = one.takes_key or one.keeps_key
    of_body = {400, 413} if has_body or has_key else set()
    return {*one.refuses, *of_body, *({409} if has_key else ())}
