from collections.abc import Callable, Sequence
from logging import Logger
from threading import Event
from typing import Any, Literal, TypeVar, overload

from kazoo.protocol.states import KazooState as KazooState
from kazoo.protocol.states import WatchedEvent, ZnodeStat
from kazoo.retry import KazooRetry

_Watch = Callable[[WatchedEvent], object]
_Listener = TypeVar("_Listener", bound=Callable[[str], object])
_Decorated = TypeVar("_Decorated", bound=Callable[..., object])

class TransactionRequest:
    def create(
        self,
        path: str,
        value: bytes = b"",
        acl: Sequence[object] | None = None,
        ephemeral: bool = False,
        sequence: bool = False,
    ) -> None: ...
    def delete(self, path: str, version: int = -1) -> None: ...
    def set_data(self, path: str, value: bytes, version: int = -1) -> None: ...
    def check(self, path: str, version: int) -> None: ...
    def commit(self) -> list[Any]: ...

class KazooClient:
    state: str
    def __init__(
        self,
        hosts: str = "127.0.0.1:2181",
        timeout: float = 10.0,
        client_id: tuple[int, bytes] | None = None,
        handler: object = None,
        default_acl: Sequence[object] | None = None,
        auth_data: Sequence[tuple[str, str]] | None = None,
        sasl_options: dict[str, object] | None = None,
        read_only: bool | None = None,
        randomize_hosts: bool = True,
        connection_retry: KazooRetry | dict[str, object] | None = None,
        command_retry: KazooRetry | dict[str, object] | None = None,
        logger: Logger | None = None,
    ) -> None: ...
    @property
    def client_id(self) -> tuple[int, bytes] | None: ...
    @property
    def connected(self) -> bool: ...
    def start(self, timeout: float = 15) -> None: ...
    def start_async(self) -> Event: ...
    def stop(self) -> None: ...
    def close(self) -> None: ...
    def add_listener(self, listener: _Listener) -> _Listener: ...
    def remove_listener(self, listener: Callable[[str], object]) -> None: ...
    def get(self, path: str, watch: _Watch | None = None) -> tuple[bytes, ZnodeStat]: ...
    def set(self, path: str, value: bytes, version: int = -1) -> ZnodeStat: ...
    @overload
    def create(
        self,
        path: str,
        value: bytes = b"",
        acl: Sequence[object] | None = None,
        ephemeral: bool = False,
        sequence: bool = False,
        makepath: bool = False,
        include_data: Literal[False] = False,
    ) -> str: ...
    @overload
    def create(
        self,
        path: str,
        value: bytes = b"",
        acl: Sequence[object] | None = None,
        ephemeral: bool = False,
        sequence: bool = False,
        makepath: bool = False,
        *,
        include_data: Literal[True],
    ) -> tuple[str, ZnodeStat]: ...
    def ensure_path(self, path: str, acl: Sequence[object] | None = None) -> bool | str: ...
    def exists(self, path: str, watch: _Watch | None = None) -> ZnodeStat | None: ...
    def get_children(self, path: str, watch: _Watch | None = None) -> list[str]: ...
    def delete(self, path: str, version: int = -1, recursive: bool = False) -> bool | None: ...
    def sync(self, path: str) -> str: ...
    def transaction(self) -> TransactionRequest: ...
    def DataWatch(self, path: str) -> Callable[[_Decorated], _Decorated]: ...
    def ChildrenWatch(self, path: str) -> Callable[[_Decorated], _Decorated]: ...
