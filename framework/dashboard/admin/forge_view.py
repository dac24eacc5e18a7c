"""What the page of an app's forge shows: never a token, and a secret only in the one answer."""

from collections.abc import Mapping, Sequence

from starlette.requests import Request
from starlette.responses import Response

from framework.apps.app_secrets import AppSecrets
from framework.apps.forge_settings import find_pulls
from framework.dashboard.pages import app_forms
from framework.dashboard.pages.app_forms import Filled
from framework.dashboard.pages.page_context import PageContext
from framework.dashboard.session.sessions import Viewer
from framework.forges import registry
from framework.http_api.models import secret_models
from framework.ports.forges import Finding
from framework.service.forge_setup import SetUp
from program.git.addresses import read_address

_TITLES = [(one.kind, one.title) for one in registry.FORGES.values()]
_OWN_SECRETS = " ".join(
    f"{one.title}: {one.own_secret}." for one in registry.FORGES.values() if one.own_secret
)
_NO_FORMS: Mapping[str, Filled] = {}


class ForgeView:
    """Makes the page of an app's forge."""

    def __init__(self, context: PageContext) -> None:
        self._context = context

    async def show(
        self,
        request: Request,
        viewer: Viewer,
        *,
        refused: Mapping[str, Filled] = _NO_FORMS,
        findings: Sequence[Finding] = (),
        entered: SetUp | None = None,
    ) -> Response:
        """Return the page: with a form that was `refused`, the results of a check, or a webhook
        that has to be entered by hand.
        """
        snapshot, name = self._context.previews.snapshot, request.path_params["app"]
        app, given = snapshot.app(name), snapshot.given(name)
        shown, has_token = app_forms.filled(app), bool(given.forge_token)
        address = read_address(app.repository)
        return self._context.pages.show(
            request,
            viewer,
            "admin/forge",
            status=422 if refused else 200,
            app=app,
            shown=shown,
            forms={"settings": shown, **refused},
            empty=Filled({}),
            kind=registry.find_kind(app),
            forge=registry.find_forge(app),
            titles=_TITLES,
            own_secrets=_OWN_SECRETS,
            followed=find_pulls(app, has_token=has_token),
            token_set=given.forge_token_changed if has_token else None,
            hook_url=self._context.addresses.hook_url(name),
            where=registry.explain_hook(app),
            secrets=len(given.hook_secrets),
            polling=self._context.hooks.polling(name),
            credential=_show_credential(given),
            is_ssh=address is not None and address.origin.scheme == "ssh",
            findings=findings,
            entered=entered,
        )


def _show_credential(given: AppSecrets) -> secret_models.ShownCredential | None:
    if given.credential is None:
        return None
    return secret_models.show_credential(given.credential, given.credential_changed)
