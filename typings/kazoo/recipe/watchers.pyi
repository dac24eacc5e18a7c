from collections.abc import Callable
from typing import TypeVar

from kazoo.client import KazooClient

_Decorated = TypeVar("_Decorated", bound=Callable[..., object])

class DataWatch:
    def __init__(self, client: KazooClient, path: str, func: Callable[..., object] | None = None) -> None: ...
    def __call__(self, func: _Decorated) -> _Decorated: ...

class ChildrenWatch:
    def __init__(
        self,
        client: KazooClient,
        path: str,
        func: Callable[..., object] | None = None,
        allow_session_lost: bool = True,
        send_event: bool = False,
    ) -> None: ...
    def __call__(self, func: _Decorated) -> _Decorated: ...
