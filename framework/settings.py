"""What the framework is told by its environment: PREVS_* variables, all problems told at once."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from prevs import names

PREFIX = "PREVS_"
_HOST_PORT = r"[^\s,/@]+:\d{1,5}"


class SettingsError(Exception):
    """An environment that the framework cannot run in; `problems` are lines for people."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Settings(BaseSettings):
    """The framework's settings; `read` makes one."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", env_ignore_empty=True
    )

    master: str = Field(pattern=rf"^(zk://\S+/\S+|{_HOST_PORT})$")
    zookeeper: str = Field(pattern=rf"^{_HOST_PORT}(,{_HOST_PORT})*$")
    root: str = Field(default="/prevs", pattern=r"^(/[A-Za-z0-9._-]+)+$")
    listen: str = Field(default="127.0.0.1:8090", pattern=rf"^{_HOST_PORT}$")
    token_file: Path
    dir: Path
    domain: str = "localhost"
    public_port: int = Field(default=8080, ge=1, le=65535)
    executor_command: Annotated[tuple[str, ...], NoDecode]
    executor_uris: Annotated[tuple[str, ...], NoDecode] = ()
    role: str = Field(default="prevs", pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")
    name: str = Field(default="prevs", min_length=1)
    principal: str | None = None
    secret_file: Path | None = None
    refs_interval: float = Field(default=10.0, ge=1.0)

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

    @field_validator("domain")
    @classmethod
    def _check_domain(cls, value: str) -> str:
        if not all(names.is_label(part) for part in value.split(".")):
            raise ValueError(f"{value!r} is no domain name of small letters, digits and hyphens")
        return value

    @field_validator("token_file", "secret_file")
    @classmethod
    def _check_readable(cls, value: Path | None) -> Path | None:
        if value is not None:
            _read_secret(value)
        return value

    @model_validator(mode="after")
    def _check_pair(self) -> "Settings":
        if (self.principal is None) != (self.secret_file is None):
            raise ValueError(f"{PREFIX}PRINCIPAL and {PREFIX}SECRET_FILE go together: set both")
        return self

    @property
    def host(self) -> str:
        """The address to listen on."""
        return self.listen.rpartition(":")[0]

    @property
    def port(self) -> int:
        """The port to listen on."""
        return int(self.listen.rpartition(":")[2])

    def token(self) -> str:
        """Read the API's bearer token."""
        return _read_secret(self.token_file)

    def secret(self) -> str | None:
        """Read the principal's secret, if there is one."""
        return _read_secret(self.secret_file) if self.secret_file else None

    @classmethod
    def settings_customise_sources(  # noqa: PLR0917 - the signature is pydantic-settings'
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what `read` hands in, and nothing that happens to lie around."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)


def read(environ: Mapping[str, str]) -> Settings:
    """Return the settings in `environ`. Raises SettingsError with every problem."""
    given: dict[str, Any] = {
        name: environ[variable]
        for name in Settings.model_fields
        if environ.get(variable := PREFIX + name.upper())
    }
    try:
        return Settings(**given)
    except ValidationError as error:
        raise SettingsError([_line(problem) for problem in error.errors()]) from None


def _line(problem: Mapping[str, Any]) -> str:
    message = str(problem["msg"]).removeprefix("Value error, ")
    if problem["type"] == "missing":
        message = "is not set"
    variable = "".join(PREFIX + str(part).upper() for part in problem["loc"][:1])
    return f"{variable}: {message}" if variable else message


def _read_secret(path: Path) -> str:
    """Return the one line of a file. Raises ValueError for what is none."""
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read ({error})") from None
    if not text:
        raise ValueError(f"{path} is empty")
    return text
