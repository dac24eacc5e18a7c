"""The Tokens port over the service: reads from its snapshot, writes through its inbox."""

from collections.abc import Callable, Sequence

from framework import access
from framework.access import Identity, Scope
from framework.events import call
from framework.service.service import Service
from prevs.records import TokenRecord


class ServiceTokens:
    """What the HTTP API sees of the tokens. Thread safe; see framework.ports.Tokens.

    `operator` is the operator's token, `proxies` are those of proxies; `new_secret` returns 256
    random bits as text, others each time. Raises ValueError where there is no operator's token.
    """

    def __init__(
        self,
        service: Service,
        operator: str,
        new_secret: Callable[[], str],
        *,
        proxies: Sequence[str] = (),
    ) -> None:
        if not operator:
            raise ValueError("the API needs a token")
        self._service = service
        self._told = access.tell(operator, proxies)
        self._new_secret = new_secret

    def authenticate(self, token: str) -> Identity | None:
        """Return whose a token is; None for no token of ours."""
        return access.find(token, self._told, self._service.snapshot.tokens.values())

    def tokens(self) -> Sequence[TokenRecord]:
        """Return every token that was made, by name."""
        return sorted(self._service.snapshot.tokens.values(), key=lambda token: token.name)

    def add_token(self, name: str, scope: Scope, app: str = "") -> tuple[TokenRecord, str]:
        """Make and store a token; return its record, and the token itself."""
        token = access.form_token(scope, self._new_secret())
        record = TokenRecord(name, scope.value, access.digest(token), app=app)
        added = call(self._service.inbox.put, lambda: self._service.commands.add_token(record))
        return added, token

    def remove_token(self, name: str) -> None:
        """Remove a token, which is good for nothing from then on."""
        call(self._service.inbox.put, lambda: self._service.commands.remove_token(name))
