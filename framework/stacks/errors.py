"""What is wrong with a request about stacks."""

from collections.abc import Sequence

from framework.errors import Conflict, NotFound, Unavailable


class UnknownStack(NotFound):
    """No stack of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no stack {name!r}. `prevs stack ls` lists the stacks.")
        self.name = name


class UnknownVariant(NotFound):
    """No variant of that name is open in a stack; `known` are some that are.

    `gate` is that of the member at whose address somebody asked for it, "" if it was no address.
    """

    def __init__(
        self, stack: str, variant: str, known: Sequence[str] = (), *, gate: str = ""
    ) -> None:
        others = f" It has {', '.join(known)}." if known else ""
        super().__init__(
            f"The stack {stack!r} has no open variant {variant!r}.{others} "
            f"`prevs stack open {stack} BRANCH` opens one."
        )
        self.stack, self.variant, self.known, self.gate = stack, variant, known, gate


class ProxyBehind(Unavailable):
    """A proxy does not know an open variant yet."""

    def __init__(self, stack: str, variant: str) -> None:
        super().__init__(f"The variant {variant!r}")
        self.args = (
            f"The variant {variant!r} of the stack {stack!r} is open, and proxies do not know it "
            "yet. Try again in a few seconds.",
        )
        self.stack, self.variant = stack, variant


class NothingToOpen(Conflict):
    """A variant would be the stack as it is: no member would be at another label, or its own."""

    def __init__(self, stack: str, ref: str) -> None:
        super().__init__(
            f"No repository of the stack {stack!r} has another branch or tag {ref!r}, so this "
            "would be the stack as it is. Name a label yourself: "
            f"`prevs stack open {stack} {ref} --at MEMBER=LABEL`, or give members instances of "
            "their own: `--own MEMBER`."
        )
        self.stack, self.ref = stack, ref


class TooManyStacks(Conflict):
    """There are as many stacks as there may be."""

    def __init__(self, most: int) -> None:
        super().__init__(
            f"There may be {most} stacks. Remove one first: `prevs stack ls` lists them."
        )
        self.most = most


class TooManyVariants(Conflict):
    """A stack has as many open variants as it may have."""

    def __init__(self, stack: str, most: int) -> None:
        super().__init__(
            f"The stack {stack!r} has {most} open variants, and may have no more. Close one first: "
            f"`prevs stack show {stack}` lists them."
        )
        self.stack, self.most = stack, most


class GateOfStack(Conflict):
    """Somebody would change a gate that follows from a stack."""

    def __init__(self, name: str, stack: str) -> None:
        super().__init__(
            f"The gate {name!r} is that of a member of the stack {stack!r}, and leads where that "
            f"says. Change the stack: `prevs stack set {stack} FILE`, or open a variant of it: "
            f"`prevs stack open {stack} BRANCH`."
        )
        self.name, self.stack = name, stack


class InstanceOfVariant(Conflict):
    """Somebody would pin or unpin one instance of a variant alone."""

    def __init__(self, app: str, stack: str, variant: str) -> None:
        super().__init__(
            f"This preview of the app {app!r} is an instance in the variant {variant!r} of the "
            f"stack {stack!r}, and pinned as that is. `prevs stack pin {stack} {variant}` pins all "
            f"that is apart in it, `prevs stack unpin {stack} {variant}` unpins it."
        )
        self.app, self.stack, self.variant = app, stack, variant


class AppOfStack(Conflict):
    """Somebody would remove an app that is a member of a stack."""

    def __init__(self, app: str, stack: str) -> None:
        super().__init__(
            f"The app {app!r} is a member of the stack {stack!r}. Remove the stack first "
            f"(`prevs stack rm {stack}`), or write it without that member "
            f"(`prevs stack set {stack} FILE`)."
        )
        self.app, self.stack = app, stack
