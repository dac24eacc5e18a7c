"""What the proxy is told by its environment: PREVS_* variables, all problems told at once."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from prevs import names

PREFIX = "PREVS_"
_HOST_PORT = r"[^\s,/@]+:\d{1,5}"
_LONGEST_FOLDER = 80
"""A Unix socket's path has at most 107 bytes, of which HAProxy takes some for a temporary name."""


class SettingsError(Exception):
    """An environment that the proxy cannot run in; `problems` are lines for people."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Settings(BaseSettings):
    """The proxy's settings; `read` makes one."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", env_ignore_empty=True
    )

    zookeeper: str = Field(pattern=rf"^{_HOST_PORT}(,{_HOST_PORT})*$")
    root: str = Field(default="/prevs", pattern=r"^(/[A-Za-z0-9._-]+)+$")
    domain: str = "localhost"
    proxy_listen: str = Field(
        default="127.0.0.1:8080", pattern=r"^([A-Za-z0-9.*-]+|\[[0-9A-Fa-f:.]+\]):\d{1,5}$"
    )
    proxy_dir: Path
    api: str = Field(default="http://127.0.0.1:8090", pattern=r"^https?://[^\s/]+/?$")
    token_file: Path

    @field_validator("domain")
    @classmethod
    def _check_domain(cls, value: str) -> str:
        if not all(names.is_label(part) for part in value.split(".")):
            raise ValueError(f"{value!r} is no domain name of small letters, digits and hyphens")
        return value

    @field_validator("proxy_listen")
    @classmethod
    def _check_port(cls, value: str) -> str:
        if not 1 <= int(value.rpartition(":")[2]) <= 65535:
            raise ValueError(f"{value} has no port from 1 to 65535")
        return value

    @field_validator("proxy_dir")
    @classmethod
    def _check_folder(cls, value: Path) -> Path:
        folder = value.absolute()
        # HAProxy's configuration names files below it, where other characters have a meaning.
        if not re.fullmatch(r"[A-Za-z0-9/._+@-]+", str(folder), re.ASCII):
            raise ValueError(f"{folder} may have only letters, digits and / . _ + @ - in its path")
        if len(str(folder)) > _LONGEST_FOLDER:
            raise ValueError(f"{folder} is longer than {_LONGEST_FOLDER} characters")
        return folder

    @field_validator("token_file")
    @classmethod
    def _check_token(cls, value: Path) -> Path:
        _read_secret(value)
        return value

    def token(self) -> str:
        """Read the API's bearer token."""
        return _read_secret(self.token_file)

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
    if not text or not text.isascii() or any(c.isspace() for c in text):
        raise ValueError(f"{path} does not hold one word")
    return text
