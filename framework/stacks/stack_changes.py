"""What has happened to stacks, in sentences for people. Pure."""

from collections.abc import Iterable, Iterator

from framework.stacks import variants
from prevs.stacks import StackRecord, Variant


def describe(
    changed: Iterable[tuple[StackRecord | None, StackRecord]], gone: Iterable[StackRecord]
) -> Iterator[tuple[str, str, str]]:
    """Yield (app, sentence, name) for what has happened to each stack; the app is its entry's."""
    for stack in gone:
        yield _app(stack), f"stack {stack.name} was removed", stack.name
    for before, stack in changed:
        for sentence in _describe(before, stack):
            yield _app(stack), f"stack {stack.name} {sentence}", stack.name


def _app(stack: StackRecord) -> str:
    return stack.members[stack.entry].app


def _describe(before: StackRecord | None, stack: StackRecord) -> Iterator[str]:
    known = before.variants if before else {}
    if before is None or before.members != stack.members or before.entry != stack.entry:
        by = f" by {stack.by}" if stack.by else ""
        yield f"was written{by}: {', '.join(stack.members)}"
    for name in sorted(known.keys() - stack.variants.keys()):
        yield f"has closed {name}"
    for name, variant in stack.variants.items():
        if name not in known:
            by = f" by {variant.by}" if variant.by else ""
            yield f"has opened {name}{by}: {_describe_members(stack, name, variant)}"
        elif _differs(known[name], variant):
            yield f"has changed {name}: {_describe_members(stack, name, variant)}"


def _differs(before: Variant, now: Variant) -> bool:
    return (before.found, before.chosen, before.own) != (now.found, now.chosen, now.own)


def _describe_members(stack: StackRecord, name: str, variant: Variant) -> str:
    apart = variants.list_instances(stack, name, variant)
    said = ", ".join(f"{one.member} at {one.source}" for one in apart)
    return said or "all members as usual"
