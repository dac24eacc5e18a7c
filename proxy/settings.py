"""What the proxy is told by its environment: PREVS_* variables, all problems told at once."""

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from program import settings
from program.settings import (
    HOST_PORT,
    ROOT,
    Domain,
    EnvironmentSettings,
    SecretFile,
    read_secret,
)

_ADDRESS = r"https?://[^\s/,]+/?"
_LONGEST_FOLDER = 80
"""A Unix socket's path has at most 107 bytes, of which HAProxy takes some for a temporary name."""


class Settings(EnvironmentSettings):
    """The proxy's settings; `read` makes one."""

    zookeeper: str = Field(pattern=rf"^{HOST_PORT}(,{HOST_PORT})*$")
    root: str = Field(default="/prevs", pattern=ROOT)
    domain: Domain = "localhost"
    proxy_listen: str = Field(
        default="127.0.0.1:8080", pattern=r"^([A-Za-z0-9.*-]+|\[[0-9A-Fa-f:.]+\]):\d{1,5}$"
    )
    proxy_dir: Path
    api: str = Field(default="http://127.0.0.1:8090", pattern=rf"^{_ADDRESS}(,{_ADDRESS})*$")
    token_file: SecretFile

    @field_validator("proxy_listen")
    @classmethod
    def _check_port(cls, value: str) -> str:
        if not 1 <= int(value.rpartition(":")[2]) <= 65535:
            raise ValueError(f"{value} has no port from 1 to 65535")
        return value

    @field_validator("api")
    @classmethod
    def _check_addresses(cls, value: str) -> str:
        for address in value.split(","):
            parts = urlsplit(address)
            # Asking for the port is what finds out that it is none.
            if not parts.hostname or parts.port == 0:
                raise ValueError(f"{address} is no address")
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

    def addresses(self) -> list[str]:
        """Return the addresses of the API, one of each framework."""
        return self.api.split(",")

    def token(self) -> str:
        """Read the API's bearer token."""
        return read_secret(self.token_file)


def read(environ: Mapping[str, str]) -> Settings:
    """Return the settings in `environ`. Raises SettingsError with every problem."""
    return settings.read(Settings, environ)
