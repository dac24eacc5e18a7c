from kazoo.client import KazooClient

class Lock:
    path: str
    node: str | None
    def __init__(self, client: KazooClient, path: str, identifier: str | None = None) -> None: ...
    def acquire(
        self, blocking: bool = True, timeout: float | None = None, ephemeral: bool = True
    ) -> bool: ...
    def release(self) -> bool: ...
