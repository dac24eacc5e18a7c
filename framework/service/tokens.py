"""The Tokens port: reads from the service's snapshot, writes through its inbox."""

from collections.abc import Callable, Sequence

from framework import access
from framework.access import Identity, Scope
from framework.events import call
from framework.service.service import Service
from prevs.records import TokenRecord


class ServiceTokens:
    """The tokens as the HTTP API sees them. Thread safe; see framework.ports.Tokens.

    `operator` is the operator's token, `proxies` are the proxies' tokens; `new_secret` returns 256
    new random bits as text. Raises ValueError without an operator's token.
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
        self._fixed = access.digest_fixed(operator, proxies)
        self._new_secret = new_secret

    def authenticate(self, token: str) -> Identity | None:
        """Return the identity of a token; None for a text that is no token of ours."""
        return access.find(token, self._fixed, self._service.snapshot.tokens.values())

    def tokens(self) -> Sequence[TokenRecord]:
        """Return every stored token, by name."""
        return sorted(self._service.snapshot.tokens.values(), key=lambda token: token.name)

    def add_token(self, name: str, scope: Scope, app: str = "") -> tuple[TokenRecord, str]:
        """Make a token and store its record; return both."""
        token = access.form_token(scope, self._new_secret())
        record = TokenRecord(name, scope.value, access.digest(token), app=app)
        added = call(self._service.inbox.put, lambda: self._service.commands.add_token(record))
        return added, token

    def remove_token(self, name: str) -> None:
        """Remove a token, which is refused from then on."""
        call(self._service.inbox.put, lambda: self._service.commands.remove_token(name))
