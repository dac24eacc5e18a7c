"""/v1/stacks: write stacks, and open, stop, pin and close their variants."""

from fastapi import Request, Response

from framework.access import Identity, Scope
from framework.http_api.admission.audit_middleware import note_target
from framework.http_api.admission.operations import Reach, Routes, operation
from framework.http_api.http.paging import Paged
from framework.http_api.http.parameters import Caller, ListedApps
from framework.http_api.stacks import stack_models as models
from framework.http_api.stacks import stack_orders as orders
from framework.http_api.stacks import stack_rights
from framework.http_api.stacks.stack_orders import Name, VariantName
from framework.http_api.stacks.stack_presenter import StackPresenter
from framework.http_api.stacks.stack_writing import StackWriting
from framework.service.stacks.stack_service import Stacks
from framework.stacks.errors import UnknownVariant
from prevs.stacks import StackRecord


class StackRoutes(Routes):
    """The calls about stacks. Methods that are no coroutines run in a thread, and may block."""

    tag = "stacks"

    def __init__(self, stacks: Stacks, writing: StackWriting, presenter: StackPresenter) -> None:
        self._stacks = stacks
        self._writing = writing
        self._presenter = presenter

    @operation("GET", "/v1/stacks", Scope.READ, Reach.ITS_SHARE, refuses=(404,))
    def list_stacks(self, paged: Paged, listed: ListedApps) -> models.Stacks:
        """List stacks, by name; those of which an app is a member."""
        snapshot = self._stacks.snapshot
        listed.require_known(snapshot)
        seen = [
            stack
            for stack in snapshot.stacks.values()
            if listed.app in ("", *stack.apps) and stack_rights.sees(listed.caller, stack)
        ]
        page = paged.cut(seen, lambda stack: (stack.name,))
        return models.Stacks(stacks=self._presenter.show_all(page.entries), next=page.next)

    @operation("GET", "/v1/stacks/{name}", Scope.READ, Reach.ITS_SHARE, refuses=(404, 409))
    def show_stack(self, name: Name, caller: Caller) -> models.Stack:
        """Show a stack: its members, its open variants, and what runs in these."""
        return self._presenter.show(self._find(name, caller))

    @operation(
        "PUT",
        "/v1/stacks/{name}",
        Scope.ADMIN,
        refuses=(404, 409, 502),
        answers={201: {"model": models.Stack, "description": "It is new"}},
    )
    async def write_stack(
        self,
        name: Name,
        order: orders.StackOrder,
        caller: Caller,
        *,
        dry_run: orders.DryRun = False,
        request: Request,
        response: Response,
    ) -> models.Stack:
        """Make a stack, or replace all members of the one of that name. Its variants stay open."""
        is_new = name not in self._stacks.snapshot.stacks
        stack = await self._writing.write(name, order, dry_run=dry_run, by=caller.name)
        if dry_run:
            note_target(request, f"{name} (dry run)")
        elif is_new:
            response.status_code = 201
        return self._presenter.show(stack)

    @operation("DELETE", "/v1/stacks/{name}", Scope.ADMIN, refuses=(404,))
    def remove_stack(self, name: Name) -> None:
        """Remove a stack: its addresses lead nowhere, and what runs in its variants alone stops."""
        self._stacks.command(lambda commands: commands.remove(name))

    @operation(
        "POST",
        "/v1/stacks/{name}/variants",
        Scope.USE,
        Reach.ITS_SHARE,
        refuses=(404, 409, 502),
        status_code=201,
        answers={200: {"model": models.StackVariant, "description": "It was open"}},
    )
    async def open_variant(
        self,
        name: Name,
        order: orders.VariantOrder,
        caller: Caller,
        *,
        request: Request,
        response: Response,
    ) -> models.StackVariant:
        """Open a variant. Nothing starts: the first request to its address does that."""
        before = self._find(name, caller, to_use=True).variants
        stack, variant = await self._writing.open(name, order, by=caller.name)
        note_target(request, f"{name}/variants/{variant}")
        if variant in before:
            response.status_code = 200
        response.headers["Location"] = f"/v1/stacks/{name}/variants/{variant}"
        return self._presenter.show_variant(stack, variant)

    @operation(
        "GET",
        "/v1/stacks/{name}/variants/{variant}",
        Scope.READ,
        Reach.ITS_SHARE,
        refuses=(404, 409),
    )
    def show_variant(self, name: Name, variant: VariantName, caller: Caller) -> models.StackVariant:
        """Show a variant: where each member is in it, and what runs."""
        return self._show_variant(self._find(name, caller), variant)

    @operation(
        "DELETE",
        "/v1/stacks/{name}/variants/{variant}",
        Scope.USE,
        Reach.ITS_SHARE,
        refuses=(404, 409),
    )
    def close_variant(self, name: Name, variant: VariantName, caller: Caller) -> None:
        """Close a variant: what runs in it alone stops, and is removed.

        Its volumes stay on their agents until nobody has used them for a month.
        """
        self._find(name, caller, to_use=True)
        self._stacks.command(lambda commands: commands.close(name, variant))

    @operation(
        "POST",
        "/v1/stacks/{name}/variants/{variant}/stop",
        Scope.USE,
        Reach.ITS_SHARE,
        refuses=(404, 409),
    )
    def stop_variant(self, name: Name, variant: VariantName, caller: Caller) -> models.StackVariant:
        """Stop what runs in a variant alone. The next request to an address starts it again."""
        self._find(name, caller, to_use=True)
        stack = self._stacks.command(lambda commands: commands.stop(name, variant))
        return self._show_variant(stack, variant)

    @operation(
        "PUT",
        "/v1/stacks/{name}/variants/{variant}/pin",
        Scope.USE,
        Reach.ITS_SHARE,
        refuses=(404, 409),
    )
    def pin_variant(self, name: Name, variant: VariantName, caller: Caller) -> models.StackVariant:
        """Keep what runs in a variant from stopping because it is idle, or to make room."""
        return self._pin(name, variant, caller, pinned=True)

    @operation(
        "DELETE",
        "/v1/stacks/{name}/variants/{variant}/pin",
        Scope.USE,
        Reach.ITS_SHARE,
        refuses=(404, 409),
    )
    def unpin_variant(
        self, name: Name, variant: VariantName, caller: Caller
    ) -> models.StackVariant:
        """Let what runs in a variant stop because it is idle, or to make room."""
        return self._pin(name, variant, caller, pinned=False)

    def _pin(
        self, name: str, variant: str, caller: Identity, *, pinned: bool
    ) -> models.StackVariant:
        self._find(name, caller, to_use=True)
        stack = self._stacks.command(lambda commands: commands.pin(name, variant, pinned=pinned))
        return self._show_variant(stack, variant)

    def _show_variant(self, stack: StackRecord, variant: str) -> models.StackVariant:
        if variant not in stack.variants:
            raise UnknownVariant(stack.name, variant, sorted(stack.variants)[:5])
        return self._presenter.show_variant(stack, variant)

    def _find(self, name: str, caller: Identity, *, to_use: bool = False) -> StackRecord:
        return stack_rights.find(self._stacks.snapshot, name, caller, to_use=to_use)
