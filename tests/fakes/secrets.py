"""framework.ports.Secrets out of a dictionary."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from framework.apps import app_secrets
from framework.apps.app_secrets import AppSecrets, Variable
from framework.errors import SecretsChanged, UnknownApp
from prevs.messages import Credential


class FakeSecrets:
    """Does at once what is asked. `error`, if set, is what every call raises but `credential`.

    `has_app` tells which apps there are.
    """

    def __init__(self, has_app: Callable[[str], bool]) -> None:
        self._has_app = has_app
        self.known: dict[str, AppSecrets] = {}
        self.error: Exception | None = None
        self.seconds = 1000.0

    def credential(self, app: str) -> Credential | None:
        return self.known.get(app, AppSecrets(app)).credential

    def of(self, app: str) -> AppSecrets:
        if not self._has_app(app):
            raise UnknownApp(app)
        if self.error:
            raise self.error
        return self.known.get(app, AppSecrets(app))

    def set_variable(
        self,
        app: str,
        name: str,
        variable: Variable,
        *,
        scope: Mapping[str, Any] | None = None,
        only_if: AppSecrets | None = None,
    ) -> AppSecrets:
        given = dataclasses.replace(variable, changed=self.seconds)
        known = self._find(app, only_if)
        return self._keep(app_secrets.with_variable(known, name, given, scope))

    def unset_variable(self, app: str, name: str, *, only_if: AppSecrets | None = None) -> None:
        self._keep(app_secrets.without_variable(self._find(app, only_if), name))

    def set_credential(
        self, app: str, credential: Credential, *, only_if: AppSecrets | None = None
    ) -> AppSecrets:
        known = self._find(app, only_if)
        return self._keep(app_secrets.with_credential(known, credential, self.seconds))

    def unset_credential(self, app: str, *, only_if: AppSecrets | None = None) -> None:
        self._keep(app_secrets.without_credential(self._find(app, only_if)))

    def unset_all(self, app: str) -> None:
        self._keep(dataclasses.replace(self.of(app), variables={}))

    def _find(self, app: str, only_if: AppSecrets | None) -> AppSecrets:
        known = self.of(app)
        if only_if not in (None, known):
            raise SecretsChanged(app)
        return known

    def _keep(self, given: AppSecrets) -> AppSecrets:
        given.encode()
        self.known[given.app] = given
        return given
