"""The list of stacks, the page of each, and what people do there: open, stop, pin, close."""

from collections.abc import Callable, Collection, Mapping

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from framework.access import Scope
from framework.dashboard.pages import rows
from framework.dashboard.pages.app_forms import Filled
from framework.dashboard.pages.page_context import PageContext
from framework.dashboard.pages.timeouts import within
from framework.dashboard.session.page_access import Act, Action, Form, send_back
from framework.dashboard.session.sessions import Viewer
from framework.errors import (
    Conflict,
    FrameworkError,
    InvalidSettings,
    NotFound,
    RepositoryUnreachable,
    Unavailable,
)
from framework.http_api.stacks import stack_rights
from framework.http_api.stacks.stack_orders import VariantOrder
from framework.service.stacks.stack_commands import StackCommands
from framework.stacks.variants import LONGEST_REF
from prevs.names import is_label
from prevs.stacks import StackRecord

_ONE = "/stacks/{name}"
_VARIANT = "/stacks/{name}/variants/{variant}"
_ACTS: Mapping[str, Callable[[StackCommands, str, str], object]] = {
    "stop": lambda commands, name, variant: commands.stop(name, variant),
    "pin": lambda commands, name, variant: commands.pin(name, variant, pinned=True),
    "unpin": lambda commands, name, variant: commands.pin(name, variant, pinned=False),
    "close": lambda commands, name, variant: commands.close(name, variant),
}

_REFUSALS = (Conflict, InvalidSettings, NotFound, RepositoryUnreachable, Unavailable)
"""The errors after which somebody may change the form, or send it again."""
_LONGEST = LONGEST_REF + 1
"""Characters of a value: one more than a branch may have, so that a longer one is refused."""


class StackPages:
    """The page of a stack, and its forms."""

    def __init__(self, context: PageContext) -> None:
        self._context = context

    def routes(self) -> list[Route]:
        """Return the routes of these pages."""
        access = self._context.access
        page = access.protected_page(self._show, narrows=True)
        opening = Action("open variant", Scope.USE)
        return [
            Route(_ONE, page, methods=["GET"]),
            Route(
                _ONE,
                access.protected_action(opening, self._open, narrows=True),
                methods=["POST"],
            ),
            *(
                Route(
                    f"{_VARIANT}/{name}",
                    access.protected_action(
                        Action(f"{name} variant", Scope.USE),
                        self._make_act(name, act),
                        narrows=True,
                    ),
                    methods=["POST"],
                )
                for name, act in _ACTS.items()
            ),
        ]

    async def _show(self, request: Request, viewer: Viewer) -> Response:
        stack = self._find(request, viewer)
        return await self._answer(request, viewer, stack, Filled(_keep_fields({}, stack.members)))

    async def _open(self, request: Request, viewer: Viewer, form: Form) -> Response:
        """Open a variant, or show the page with the form and why not."""
        stack = self._find(request, viewer, to_use=True)
        order = _read_form(form, stack.members)
        if isinstance(order, Filled):
            return await self._answer(request, viewer, stack, order)
        work = self._context.stack_writing.open(stack.name, order, by=viewer.identity.name)
        try:
            _, variant = await within(work, "A repository of the stack")
        except _REFUSALS as error:
            refused = _refuse(form, stack.members, error)
            return await self._answer(request, viewer, stack, refused)
        place = f"/stacks/{stack.name}?did=open-variant#variant-{variant}"
        return RedirectResponse(place, 303, {"Cache-Control": "no-store"})

    def _make_act(self, name: str, act: Callable[[StackCommands, str, str], object]) -> Act:
        """Return an action that runs a command on the variant of the path, and redirects back."""

        async def do(request: Request, viewer: Viewer, _: Form) -> Response:
            stack = self._find(request, viewer, to_use=True)
            variant = request.path_params["variant"]
            await anyio.to_thread.run_sync(
                self._context.stacks.command, lambda commands: act(commands, stack.name, variant)
            )
            return send_back({}, f"{name}-variant", f"/stacks/{stack.name}")

        return do

    async def _answer(
        self, request: Request, viewer: Viewer, stack: StackRecord, form: Filled
    ) -> Response:
        """Return the page of a stack, with a form; 422 if that was refused."""
        return await anyio.to_thread.run_sync(self._show_stack, request, viewer, stack, form)

    def _show_stack(
        self, request: Request, viewer: Viewer, stack: StackRecord, form: Filled
    ) -> Response:
        snapshot = self._context.stacks.snapshot
        return self._context.pages.show(
            request,
            viewer,
            "stacks/stack",
            status=422 if form.problems else 200,
            stack=self._context.stack_presenter.show(stack),
            may_use=stack_rights.may_use(viewer.identity, stack),
            form=form,
            labels={
                member: rows.list_labels(snapshot.previews.values(), usual.app)
                for member, usual in stack.members.items()
            },
            trouble=self._context.ready(),
        )

    def _find(self, request: Request, viewer: Viewer, *, to_use: bool = False) -> StackRecord:
        """Return the stack in a path. Raises as stack_rights.find."""
        name = request.path_params["name"]
        snapshot = self._context.stacks.snapshot
        return stack_rights.find(snapshot, name, viewer.identity, to_use=to_use)


class StackListPages:
    """The list of stacks."""

    def __init__(self, context: PageContext) -> None:
        self._context = context

    def routes(self) -> list[Route]:
        """Return the route of this page."""
        page = self._context.access.protected_page(self._show, narrows=True)
        return [Route("/stacks", page, methods=["GET"])]

    async def _show(self, request: Request, viewer: Viewer) -> Response:
        snapshot, identity = self._context.stacks.snapshot, viewer.identity
        stacks = [one for one in snapshot.stacks.values() if stack_rights.sees(identity, one)]
        stacks.sort(key=lambda stack: stack.name)
        page, following = rows.cut(stacks, request.query_params)
        url = self._context.addresses.gate_url
        return self._context.pages.show(
            request,
            viewer,
            "stacks/all",
            stacks=[(one, url(one.name)) for one in page],
            apps=[one.name for one in snapshot.list_apps() if identity.sees(one.name)],
            next=following,
            is_first=not request.query_params.get("after"),
        )


def _read_form(form: Mapping[str, str], members: Collection[str]) -> VariantOrder | Filled:
    """Return which variant a form opens, or the form with what is wrong with it."""
    values = _keep_fields(form, members)
    labels = {one: values[f"at-{one}"] for one in members if values[f"at-{one}"]}
    problems = {
        f"at-{member}": "must be a label, as in an address: main"
        for member, label in labels.items()
        if not is_label(label)
    }
    if not values["ref"]:
        problems["ref"] = "is missing. Write the branch that changes something, or any name."
    if problems:
        return Filled(values, problems)
    own = [one for one in members if values[f"own-{one}"]]
    return VariantOrder(ref=values["ref"], labels=labels, own=own)


def _refuse(form: Mapping[str, str], members: Collection[str], error: FrameworkError) -> Filled:
    """Return the form with why its variant was not opened, beside the field that is the cause.

    If none is, the problem has the name "".
    """
    values = _keep_fields(form, members)
    if not isinstance(error, InvalidSettings):
        return Filled(values, {"": str(error)})
    fields = {"ref": "ref", **{f"labels.{one}": f"at-{one}" for one in members}}
    found = [(fields.get(one.field, ""), one.message) for one in error.problems]
    return Filled(values, dict(found))


def _keep_fields(form: Mapping[str, str], members: Collection[str]) -> Mapping[str, str]:
    """Return the values of a form, and nothing else. A check box that is not set has ""."""
    fields = ["ref", *(f"{what}-{one}" for one in members for what in ("at", "own"))]
    return {name: form.get(name, "").strip()[:_LONGEST] for name in fields}
