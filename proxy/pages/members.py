"""The members of a variant of a stack, as the waiting room of its instances shows them. Pure.

A visitor may look at the page's app, but perhaps not at the others: of these there is nothing but
name, label, state and address.
"""

from typing import NamedTuple

from prevs.states import State
from prevs.step_status import StepStatus
from program.text.page_text import tame
from proxy.model.preview import Member, Variant
from proxy.pages import wording

_STATUSES = {
    "": StepStatus.NEXT,
    State.STOPPED.value: StepStatus.NEXT,
    State.RUNNING.value: StepStatus.DONE,
    State.FAILED.value: StepStatus.FAILED,
}


class ShownMember(NamedTuple):
    """A member: where it is, and its state in a word, which has the mark of a step's `status`.

    `here`: the member whose page this is.
    """

    name: str
    url: str
    where: str
    word: str
    status: str
    here: bool


def show_members(variant: Variant | None) -> tuple[ShownMember, ...]:
    """Return the members of a variant in their order; none of a preview without one."""
    if variant is None:
        return ()
    return tuple(_show(one, here=one.name == variant.member) for one in variant.members)


def _show(member: Member, *, here: bool) -> ShownMember:
    where = wording.describe_label(tame(member.label, 63), apart=member.apart)
    return ShownMember(
        name=tame(member.name, 63),
        url=member.url[:300],
        where=f"{where} \u00b7 this page" if here else where,
        word=wording.WORDS.get(member.state, tame(member.state, 20)),
        status=_STATUSES.get(member.state, StepStatus.NOW).value,
        here=here,
    )
