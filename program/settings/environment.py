"""Settings from the environment (PREVS_*), with all problems reported at once."""

import ipaddress
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from prevs import names
from program.settings.keys import read_keys
from program.settings.proxy_tokens import read_tokens
from program.settings.zookeeper import read_identities

PREFIX = "PREVS_"
HOST_PORT = r"[^\s,/@]+:\d{1,5}"
"""The pattern of an address with its port."""
ROOT = r"^(/[A-Za-z0-9._-]+)+$"
"""The pattern of a znode's path."""

T = TypeVar("T", bound="EnvironmentSettings")


class SettingsError(Exception):
    """Some settings are invalid; `problems` are lines for people."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class EnvironmentSettings(BaseSettings):
    """Settings that `read` makes from its arguments only: no .env or secret files are read."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", env_ignore_empty=True
    )

    log: Literal["logfmt", "json"] = Field(
        default="logfmt",
        description="The form of log lines, on stderr: key=value (logfmt), or JSON objects.",
    )

    @classmethod
    def settings_customise_sources(  # noqa: PLR0917 - the signature is pydantic-settings'
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Use only the values that `read` passes."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)


def read(kind: type[T], environ: Mapping[str, str]) -> T:
    """Return the settings in `environ`. Raises SettingsError with every problem."""
    given: dict[str, Any] = {
        name: environ[variable]
        for name in kind.model_fields
        if environ.get(variable := PREFIX + name.upper())
    }
    try:
        return kind(**given)
    except ValidationError as error:
        raise SettingsError([_line(problem) for problem in error.errors()]) from None


def read_secret(path: Path) -> str:
    """Return the one line of a file. Raises ValueError for an invalid file."""
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read ({error})") from None
    if not text:
        raise ValueError(f"{path} is empty")
    if not text.isascii() or not text.isprintable():  # it goes into an HTTP header
        raise ValueError(f"{path} does not hold one line of ASCII characters")
    return text


def _line(problem: Mapping[str, Any]) -> str:
    message = str(problem["msg"]).removeprefix("Value error, ")
    if problem["type"] == "missing":
        message = "is not set"
    variable = "".join(PREFIX + str(part).upper() for part in problem["loc"][:1])
    return f"{variable}: {message}" if variable else message


def _check_networks(value: str) -> str:
    networks = [part.strip() for part in value.split(",")] if value else []
    return ",".join(str(ipaddress.ip_network(network)) for network in networks)


def _check_domain(value: str) -> str:
    if not all(names.is_label(part) for part in value.split(".")):
        raise ValueError(f"{value!r} is not a domain name of lowercase letters, digits and hyphens")
    return value


def _check_certificate(value: Path) -> Path:
    try:
        ssl.create_default_context(cafile=str(value))
    except OSError as error:
        raise ValueError(f"{value} holds no certificate in PEM ({error})") from None
    return value


def _check_keys(value: Path) -> Path:
    read_keys(value)
    return value


def _check_identities(value: Path) -> Path:
    read_identities(value)
    return value


def _check_secret(value: Path) -> Path:
    read_secret(value)
    return value


def _check_tokens(value: Path) -> Path:
    read_tokens(value)
    return value


Domain = Annotated[str, AfterValidator(_check_domain)]
Networks = Annotated[str, AfterValidator(_check_networks)]
"""Addresses or networks, with commas between them; "" for none."""
SecretFile = Annotated[Path, AfterValidator(_check_secret)]
"""A file that holds one line, checked when the settings are read."""
TokensFile = Annotated[Path, AfterValidator(_check_tokens)]
"""A file of tokens (program.settings.proxy_tokens), checked when the settings are read."""
MetricsTokenFile = Annotated[
    Path | None,
    AfterValidator(lambda value: value and _check_tokens(value)),
    Field(
        description="A file with tokens that may read `/metrics` and nothing else, one a line. "
        "Prometheus sends any one of them (its `credentials_file`). Without this file only the "
        "token in `PREVS_TOKEN_FILE` may. Frameworks and proxies may share one file.",
    ),
]
"""A file of tokens for reading metrics, checked when the settings are read."""
CertificateFile = Annotated[Path, AfterValidator(_check_certificate)]
"""A file of an authority's certificates, checked when the settings are read."""
KeyFile = Annotated[Path, AfterValidator(_check_keys)]
"""A file of keys (program.settings.keys), checked when the settings are read."""
ZookeeperServers = Annotated[
    str,
    Field(
        pattern=rf"^{HOST_PORT}(,{HOST_PORT})*(/[A-Za-z0-9._-]+)*$",
        description="The ZooKeeper servers that hold the records. With a path at the end (a "
        "chroot), everything is below it; a framework creates it if it is missing.",
        examples=["10.0.0.1:2181,10.0.0.2:2181", "10.0.0.1:2181,10.0.0.2:2181/teams"],
    ),
]
IdentitiesFile = Annotated[Path, AfterValidator(_check_identities)]
"""A file with digest identities for ZooKeeper, checked when the settings are read."""
ZookeeperAuthFile = Annotated[
    Path | None,
    AfterValidator(lambda value: value and _check_identities(value)),
    Field(
        description="A file with this program's identity at ZooKeeper, `user:password`. Then only "
        "that user may use the new znodes, and a framework closes the open ones. Further lines are "
        "other users whose znodes it may use. All frameworks need the same file; proxies may have "
        "one of their own, which the frameworks' `PREVS_PROXY_ZOOKEEPER_AUTH_FILE` names.",
    ),
]
"""A file with digest identities for ZooKeeper, checked when the settings are read."""
