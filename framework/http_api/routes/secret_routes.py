"""/v1/apps/{app}/environment and /credential: an app's secrets. No answer has a secret's value."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Path, Response
from pydantic import BaseModel

from framework.access import Scope
from framework.apps.app_secrets import LONGEST_NAME, AppSecrets, Variable
from framework.errors import SecretsChanged, UnknownCredential
from framework.http_api.admission.operations import Reach, Routes, operation
from framework.http_api.http import conditional
from framework.http_api.http.conditional import IfMatch, IfNoneMatch
from framework.http_api.http.parameters import App
from framework.http_api.models import secret_models as models
from framework.service.service_client import ServiceClient

Name = Annotated[
    str,
    Path(
        description="A variable's name; PORT and PREVS_… are reserved.",
        examples=["API_KEY"],
        json_schema_extra={
            "minLength": 1,
            "maxLength": LONGEST_NAME,
            "pattern": models.NAME_PATTERN,
        },
    ),
]


class SecretRoutes(Routes):
    """The calls about secrets. Methods that are no coroutines run in a thread, and may block."""

    tag = "secrets"

    def __init__(self, previews: ServiceClient) -> None:
        self._previews = previews

    @operation(
        "GET",
        "/v1/apps/{app}/environment",
        Scope.READ,
        Reach.ITS_PATH,
        refuses=(404, 409),
        with_etag=models.Environment,
    )
    async def show_environment(self, app: App, if_none_match: IfNoneMatch = None) -> Response:
        """List the variables of an app's containers, without the values of secret ones."""
        given = self._previews.snapshot.given(app)
        return conditional.answer(models.show_environment(given), if_none_match)

    @operation("PUT", "/v1/apps/{app}/environment/{name}", Scope.ADMIN, refuses=(404, 409, 412))
    def set_variable(
        self,
        app: App,
        name: Name,
        order: models.VariableOrder,
        *,
        response: Response,
        if_match: IfMatch = None,
    ) -> models.SetVariable:
        """Set a variable of an app's containers. It applies to attempts that begin later.

        `If-Match` has the ETag of the list of variables.
        """
        known = self._find_matching(app, if_match, models.show_environment)
        variable = Variable(order.value, order.secret)
        scope = models.read_scope(order)
        given = self._previews.change_variables(
            lambda commands: commands.set(app, name, variable, scope=scope, only_if=known)
        ).given
        response.headers["ETag"] = conditional.tag(models.show_environment(given))
        shown = models.show_variable(name, given.variables[name])
        return models.SetVariable(**shown.model_dump())

    @operation("DELETE", "/v1/apps/{app}/environment/{name}", Scope.ADMIN, refuses=(404, 409, 412))
    def unset_variable(self, app: App, name: Name, if_match: IfMatch = None) -> None:
        """Remove a variable of an app's containers, for attempts that begin later."""
        known = self._find_matching(app, if_match, models.show_environment)
        self._previews.change_variables(lambda commands: commands.unset(app, name, only_if=known))

    @operation(
        "PATCH",
        "/v1/apps/{app}/environment",
        Scope.ADMIN,
        body_limit=models.LONGEST_ORDER,
        refuses=(404, 409, 412),
    )
    def set_variables(
        self,
        app: App,
        order: models.VariablesOrder,
        *,
        response: Response,
        if_match: IfMatch = None,
    ) -> models.ChangedVariables:
        """Set several variables of an app's containers: all of them, or none if one is wrong.

        They apply to attempts that begin later. `If-Match` has the ETag of the list of variables.
        """
        known = self._find_matching(app, if_match, models.show_environment)
        new = {name: Variable(value, order.secret) for name, value in order.variables.items()}
        scope = models.read_scope(order)
        changed = self._previews.change_variables(
            lambda commands: commands.set_all(app, new, scope=scope, only_if=known)
        )
        response.headers["ETag"] = conditional.tag(models.show_environment(changed.given))
        return models.show_changed(changed.before, changed.given, new)

    @operation(
        "DELETE",
        "/v1/apps/{app}/environment",
        Scope.ADMIN,
        action="unset variables",
        refuses=(404,),
    )
    def unset_all(self, app: App) -> None:
        """Remove all variables of an app's containers.

        If they cannot be opened any more (`secrets-unreadable`), this removes the credential, the
        token for the forge, and the password of visitors, too: until there is another one, nobody
        can enter.
        """
        self._previews.command(lambda commands: commands.clear_secrets(app))

    @operation(
        "GET",
        "/v1/apps/{app}/credential",
        Scope.READ,
        Reach.ITS_PATH,
        refuses=(404, 409),
        with_etag=models.ShownCredential,
    )
    async def show_credential(self, app: App, if_none_match: IfNoneMatch = None) -> Response:
        """Show how an app's repository is read, without the secret part."""
        given = self._previews.snapshot.given(app)
        return conditional.answer(_show_credential(given), if_none_match)

    @operation("PUT", "/v1/apps/{app}/credential", Scope.ADMIN, refuses=(404, 409, 412))
    def set_credential(
        self,
        app: App,
        order: models.CredentialOrder,
        response: Response,
        if_match: IfMatch = None,
    ) -> models.ShownCredential:
        """Set what an app's repository is read with, by the framework and by agents."""
        known = self._find_matching(app, if_match, _show_credential)
        credential = models.read_credential(order)
        given = self._previews.command(
            lambda commands: commands.set_credential(app, credential, only_if=known)
        )
        shown = _show_credential(given)
        response.headers["ETag"] = conditional.tag(shown)
        return shown

    @operation("DELETE", "/v1/apps/{app}/credential", Scope.ADMIN, refuses=(404, 409, 412))
    def unset_credential(self, app: App, if_match: IfMatch = None) -> None:
        """Remove what an app's repository is read with."""
        known = self._find_matching(app, if_match, _show_credential)
        self._previews.command(lambda commands: commands.unset_credential(app, only_if=known))

    def _find_matching(
        self, app: str, if_match: str | None, show: Callable[[AppSecrets], BaseModel]
    ) -> AppSecrets | None:
        """Return the secrets if the ETag of what `show` makes of them is in If-Match.

        None without that header. Raises SecretsChanged, and as Snapshot.given.
        """
        return conditional.find_matching(
            if_match,
            lambda: self._previews.snapshot.given(app),
            lambda given: _find_tag(given, show),
            SecretsChanged(app),
        )


def _find_tag(given: AppSecrets, show: Callable[[AppSecrets], BaseModel]) -> str | None:
    try:
        return conditional.tag(show(given))
    except UnknownCredential:
        return None


def _show_credential(given: AppSecrets) -> models.ShownCredential:
    """Return what may be shown of the credential. Raises UnknownCredential."""
    if given.credential is None:
        raise UnknownCredential(given.app)
    return models.show_credential(given.credential, given.credential_changed)
