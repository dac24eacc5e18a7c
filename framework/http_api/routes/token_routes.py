"""/v1/tokens, /v1/roles and /v1/audit: who may do what, and who did."""

from typing import Annotated

from fastapi import Path, Response

from framework.access import Scope
from framework.http_api.admission.audit import Audit
from framework.http_api.admission.operations import Routes, operation
from framework.http_api.http.paging import Paged
from framework.http_api.models import token_models as models
from framework.ports import Tokens
from framework.service.service_client import ServiceClient

Name = Annotated[str, Path(description="A token's name.", examples=["deploys"])]

RoleId = Annotated[
    str, Path(description="A role's id.", examples=["1f6a5c80e7d2f1a64b0c9d3e8f7a6b5c"])
]


class TokenRoutes(Routes):
    """The calls about tokens. Methods that are no coroutines run in a thread, and may block."""

    tag = "tokens"

    def __init__(self, tokens: Tokens, audit: Audit) -> None:
        self._tokens = tokens
        self._audit = audit

    @operation("GET", "/v1/tokens", Scope.ADMIN, refuses=(404,))
    async def list_tokens(self, paged: Paged) -> models.Tokens:
        """List the tokens, by name, without their texts."""
        page = paged.cut(self._tokens.tokens(), lambda token: (token.name,))
        return models.Tokens(
            tokens=[models.show_token(token) for token in page.entries], next=page.next
        )

    # It takes no Idempotency-Key: that would keep the answer, which has the token.
    @operation("POST", "/v1/tokens", Scope.ADMIN, refuses=(404, 409), status_code=201)
    def add_token(self, order: models.TokenOrder, response: Response) -> models.NewToken:
        """Make a token. Only this answer has its text; it cannot be shown again."""
        record, token = self._tokens.add_token(order.name, Scope(order.scope), order.app or "")
        response.headers["Location"] = f"/v1/tokens/{record.name}"
        response.headers["Cache-Control"] = "no-store"
        return models.NewToken(**models.show_token(record).model_dump(), token=token)

    @operation("DELETE", "/v1/tokens/{name}", Scope.ADMIN, refuses=(404,))
    def remove_token(self, name: Name) -> None:
        """Remove a token. Once this is answered, it allows nothing."""
        self._tokens.remove_token(name)

    @operation("GET", "/v1/audit", Scope.ADMIN, refuses=(404,))
    async def show_audit(self, paged: Paged) -> models.AuditLog:
        """List who did what, the newest first: the last thousand that this framework knows."""
        page = paged.cut(self._audit.latest(), lambda entry: (-entry.at, entry.id))
        return models.AuditLog(
            entries=[models.AuditEntry(**entry._asdict()) for entry in page.entries],
            next=page.next,
        )


class RoleRoutes(Routes):
    """The calls about roles. Methods that are no coroutines run in a thread, and may block."""

    tag = "tokens"

    def __init__(self, previews: ServiceClient) -> None:
        self._previews = previews

    @operation("GET", "/v1/roles", Scope.ADMIN, refuses=(404,))
    async def list_roles(self, paged: Paged) -> models.Roles:
        """List the roles: those for all apps first, then by app, group and person."""
        page = paged.cut(
            self._previews.snapshot.roles.values(),
            lambda role: (role.app, role.group, role.person),
        )
        return models.Roles(roles=[models.show_role(one) for one in page.entries], next=page.next)

    @operation("POST", "/v1/roles", Scope.ADMIN, refuses=(404,))
    def add_role(self, order: models.RoleOrder) -> models.Role:
        """Give a role. If the holder has another one for the same app, it takes its place."""
        added = self._previews.command(lambda commands: commands.add_role(order.read()))
        return models.show_role(added)

    @operation("DELETE", "/v1/roles/{id}", Scope.ADMIN, refuses=(404,))
    def remove_role(self, id: RoleId) -> None:  # the name in the path
        """Take a role away. It ends with this answer, also for those who have signed in."""
        self._previews.command(lambda commands: commands.remove_role(id))
