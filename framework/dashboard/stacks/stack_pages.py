"""The page of one stack, and what people do there: open, stop, pin and close variants."""

from collections.abc import Callable, Mapping

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
from framework.dashboard.stacks import open_form
from framework.dashboard.stacks.open_form import REFUSALS
from framework.http_api.stacks import stack_rights
from framework.service.stacks.stack_commands import StackCommands
from prevs.stacks import StackRecord

_ONE = "/stacks/{name}"
_VARIANT = "/stacks/{name}/variants/{variant}"
_ACTS: Mapping[str, Callable[[StackCommands, str, str], object]] = {
    "stop": lambda commands, name, variant: commands.stop(name, variant),
    "pin": lambda commands, name, variant: commands.pin(name, variant, pinned=True),
    "unpin": lambda commands, name, variant: commands.pin(name, variant, pinned=False),
    "close": lambda commands, name, variant: commands.close(name, variant),
}


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
        return await self._answer(request, viewer, stack, Filled(open_form.keep({}, stack.members)))

    async def _open(self, request: Request, viewer: Viewer, form: Form) -> Response:
        """Open a variant, or show the page with the form and why not."""
        stack = self._find(request, viewer, to_use=True)
        order = open_form.read(form, stack.members)
        if isinstance(order, Filled):
            return await self._answer(request, viewer, stack, order)
        work = self._context.stack_writing.open(stack.name, order, by=viewer.identity.name)
        try:
            _, variant = await within(work, "A repository of the stack")
        except REFUSALS as error:
            refused = open_form.refuse(form, stack.members, error)
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
