"""Where a request to a gate would go, for people who try it. Pure."""

from collections.abc import Iterable
from typing import NamedTuple

from framework.gates.switching import describe
from prevs.gate_rules import Choice, Refusal, RefusalCause, Request, Step, choose
from prevs.gates import LOTS, Revision, Target

_OVERRIDDEN = "Its override names the label."


class Outcome(NamedTuple):
    """Where a request goes: to `label`, or, if its lot decides and is not known, to one of `to`.

    `refusal` is why it goes nowhere, `why` a sentence in each case.
    """

    label: str | None
    to: tuple[Target, ...]
    rule: int | None
    refusal: Refusal | None
    vary: tuple[str, ...]
    why: str


def find_outcome(revision: Revision, request: Request, *, is_lot_known: bool) -> Outcome:
    """Return where a request goes; without a known lot, that of `request` means nothing.

    A lot in its cookie counts where the rule that decides is sticky by that.
    """
    chosen = choose(revision, request)
    if isinstance(chosen, Refusal):
        return Outcome(None, (), None, chosen, chosen.vary, _explain_refusal(chosen))
    if chosen.rule is None:
        why = f"It names the variant {chosen.variant}." if chosen.variant else _OVERRIDDEN
        return Outcome(chosen.label, (), None, None, chosen.vary, why)
    to = revision.rules[chosen.rule].to
    lots = [request.lot] if is_lot_known else _list_lots(to)
    found = {_choose_label(revision, request._replace(lot=lot)) for lot in lots}
    label = chosen.label if len(found) == 1 else None
    why = _explain(revision, chosen) + ("" if label else " The client's lot decides.")
    return Outcome(label, to, chosen.rule, None, chosen.vary, why)


def _choose_label(revision: Revision, request: Request) -> str:
    chosen = choose(revision, request)
    return chosen.label if isinstance(chosen, Choice) else ""


def _list_lots(to: Iterable[Target]) -> list[int]:
    """Return lots of which two go to different targets if any two lots do."""
    return [0, *(target.weight % LOTS for target in to)]


def _explain(revision: Revision, chosen: Choice) -> str:
    rule = revision.rules[chosen.rule or 0]
    if chosen.step is Step.CONDITION:
        return f"Its path begins with {rule.path}, and its {describe(rule.when)}."
    return f"Its path begins with {rule.path}, and no condition holds for it."


def _explain_refusal(refusal: Refusal) -> str:
    if refusal.cause is RefusalCause.NO_RULE:
        return f"No rule is for the path {refusal.value}."
    if refusal.cause is RefusalCause.INVALID_OVERRIDE:
        return f"Its override is no label: {refusal.value}."
    named = (refusal.criterion.kind.value, refusal.criterion.name) if refusal.criterion else ()
    asked = " ".join(filter(None, (*named, refusal.value)))
    return f"No rule is for the {asked}, and the gate refuses unknown versions."
