"""What the framework is told by its environment: PREVS_* variables, all problems told at once."""

import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_settings import NoDecode

from framework.limits import Limits
from prevs import names
from prevs.names import Addresses
from program import settings
from program.settings import (
    HOST_PORT,
    PREFIX,
    ROOT,
    Domain,
    EnvironmentSettings,
    SecretFile,
    read_secret,
)

_MASTER = re.compile(r"zk://\S+/\S+|[^\s,/@:\[\]]+:\d{1,5}")
_EVERYWHERE = frozenset({"0.0.0.0", "[::]", "::", "*"})  # noqa: S104 - nothing listens by this


class Settings(EnvironmentSettings):
    """The framework's settings; `read` makes one."""

    master: str
    zookeeper: str = Field(pattern=rf"^{HOST_PORT}(,{HOST_PORT})*$")
    root: str = Field(default="/prevs", pattern=ROOT)
    listen: str = Field(default="127.0.0.1:8090", pattern=rf"^{HOST_PORT}$")
    advertise: str = Field(default="", pattern=rf"^(https?://{HOST_PORT})?$")
    token_file: SecretFile
    dir: Path
    domain: Domain = "localhost"
    public_port: int = Field(default=8080, ge=1, le=65535)
    public_url: str = ""
    executor_command: Annotated[tuple[str, ...], NoDecode]
    executor_uris: Annotated[tuple[str, ...], NoDecode] = ()
    role: str = Field(default="prevs", pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")
    name: str = Field(default="prevs", min_length=1)
    principal: str | None = None
    secret_file: SecretFile | None = None
    refs_interval: float = Field(default=10.0, ge=1.0)
    max_previews: int = Field(default=Limits().previews, ge=1)
    starts_per_agent: int = Field(default=Limits().starts_per_agent, ge=1)
    starts_per_app: int = Field(default=Limits().starts_per_app, ge=1)
    drain_limit: float = Field(default=Limits().drain, ge=0)
    vanished_after: float = Field(default=Limits().vanished, ge=0)

    @field_validator("master")
    @classmethod
    def _check_master(cls, value: str) -> str:
        if not _MASTER.fullmatch(value):
            raise ValueError(
                "is neither host:port nor zk://host:port,.../path (Mesos is spoken to by IPv4 and "
                "without TLS)"
            )
        return value

    @field_validator("public_url")
    @classmethod
    def _check_url(cls, value: str, info: ValidationInfo) -> str:
        domain = info.data.get("domain")
        parts = urlsplit(Addresses(value).url("label", "app"))
        if domain is None or not value:
            return value
        read = names.split_host(parts.hostname or "", domain)
        if parts.scheme not in {"http", "https"} or read != ("label", "app"):
            raise ValueError(
                f"{value} is no address under {domain}; https://{{label}}--{{app}}.{domain}/ is one"
            )
        return value

    @field_validator("executor_command", mode="before")
    @classmethod
    def _split_command(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        words = tuple(shlex.split(value))
        if not words:
            raise ValueError("names no program")
        return words

    @field_validator("executor_uris", mode="before")
    @classmethod
    def _split_uris(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return tuple(uri.strip() for uri in value.split(",") if uri.strip())

    @model_validator(mode="after")
    def _check_pair(self) -> "Settings":
        if (self.principal is None) != (self.secret_file is None):
            raise ValueError(f"{PREFIX}PRINCIPAL and {PREFIX}SECRET_FILE go together: set both")
        return self

    @model_validator(mode="after")
    def _check_advertise(self) -> "Settings":
        if not self.advertise and self.host in _EVERYWHERE:
            raise ValueError(
                f"{PREFIX}LISTEN is every address of this machine: {PREFIX}ADVERTISE has to say at "
                "which one other frameworks reach this one's API (http://HOST:PORT)"
            )
        return self

    @property
    def api(self) -> str:
        """The URL at which other frameworks reach this one's API."""
        return self.advertise or f"http://{self.listen}"

    @property
    def limits(self) -> Limits:
        """How much of everything there may be."""
        return Limits(
            previews=self.max_previews,
            starts_per_agent=self.starts_per_agent,
            starts_per_app=self.starts_per_app,
            drain=self.drain_limit,
            vanished=self.vanished_after,
        )

    @property
    def host(self) -> str:
        """The address to listen on."""
        return self.listen.rpartition(":")[0]

    @property
    def port(self) -> int:
        """The port to listen on."""
        return int(self.listen.rpartition(":")[2])

    def addresses(self) -> Addresses:
        """Return where people reach previews."""
        if self.public_url:
            return Addresses(self.public_url)
        return names.addresses(self.domain, self.public_port)

    def token(self) -> str:
        """Read the API's bearer token."""
        return read_secret(self.token_file)

    def secret(self) -> str | None:
        """Read the principal's secret, if there is one."""
        return read_secret(self.secret_file) if self.secret_file else None


def read(environ: Mapping[str, str]) -> Settings:
    """Return the settings in `environ`. Raises SettingsError with every problem."""
    return settings.read(Settings, environ)
