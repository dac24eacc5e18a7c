"""What is used of the PyPI package marathon, which has no types."""

from collections.abc import Sequence
from typing import Any

class MarathonApp:
    id: str
    cmd: str | None
    instances: int | None
    env: dict[str, Any]
    container: Any
    constraints: Sequence[Any]
    health_checks: Sequence[Any]
    readiness_checks: Sequence[Any]
    port_definitions: Sequence[Any]
    upgrade_strategy: Any
    require_ports: bool | None
    networks: Sequence[dict[str, str]]
    task_kill_grace_period_seconds: int | None

    @classmethod
    def from_json(cls, attributes: dict[str, Any]) -> MarathonApp: ...
    def json_repr(self, minimal: bool = ...) -> dict[str, Any]: ...
    def to_json(self, minimal: bool = ...) -> str: ...

class MarathonClient:
    def __init__(self, servers: str | list[str], timeout: int = ...) -> None: ...
    def create_app(self, app_id: str, app: MarathonApp) -> MarathonApp: ...
    def list_apps(self) -> list[MarathonApp]: ...
