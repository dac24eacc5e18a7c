"""The outcome of the next transaction of a kazoo client."""

from collections.abc import Callable
from typing import NoReturn

from kazoo.client import KazooClient, TransactionRequest
from kazoo.exceptions import ConnectionLoss


def before_commit(client: KazooClient, act: Callable[[Callable[[], object]], object]) -> None:
    """Call `act` with the next transaction's commit, in its place."""
    real = client.transaction

    def transaction() -> TransactionRequest:
        client.transaction = real  # type: ignore[method-assign]
        request = real()
        commit = request.commit
        request.commit = lambda: act(commit)  # type: ignore[method-assign, assignment, return-value]
        return request

    client.transaction = transaction  # type: ignore[method-assign]


def lose_answer(client: KazooClient, *, done: bool) -> None:
    """Lose the answer of the next transaction, after or before it was done."""

    def lose(commit: Callable[[], object]) -> NoReturn:
        if done:
            commit()
        raise ConnectionLoss

    before_commit(client, lose)
