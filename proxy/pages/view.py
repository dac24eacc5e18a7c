"""What a visitor may know of a preview, as the page shows it. Pure.

The template and the events of a page are made of the same view. A browser's clock may be wrong, so
that times are durations at the moment of the view; the page lets those that go on grow.

A visitor may look at the page's app, but perhaps not at the other members of its variant: of these
there is nothing but name, label, state and address.
"""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

from prevs.states import State
from prevs.step_status import StepStatus, find_statuses
from program.text.page_text import tame
from proxy.model.preview import Member, Mistake, Preview, Step, Variant
from proxy.pages import wording

NEXT, NOW, DONE = StepStatus.NEXT.value, StepStatus.NOW.value, StepStatus.DONE.value
SKIPPED, FAILED = StepStatus.SKIPPED.value, StepStatus.FAILED.value
_SPOKEN = {
    NEXT: ", not started",
    NOW: ", in progress",
    DONE: ", done",
    SKIPPED: "",
    FAILED: ", failed",
}
_WORTH_SAYING = 5.0
"""How long something usually takes, at least, where it is said that it takes longer now."""
_MESSAGE = 1000
"""How many characters of a failure's message are shown: of a commit that nothing recognises it says
what was looked for, what is there and the ways on."""
_MISTAKES = 2000
"""How many characters those may have together that are shown."""
_NOT_ALL = 0.95
"""How much of its usual duration a step has had at the most while it goes on."""

_STATUSES = {
    "": StepStatus.NEXT,
    State.STOPPED.value: StepStatus.NEXT,
    State.RUNNING.value: StepStatus.DONE,
    State.FAILED.value: StepStatus.FAILED,
}


class ShownStep(NamedTuple):
    """A step: `seconds` is how long it took, or has taken; `usual` how long it usually takes."""

    name: str
    title: str
    status: str
    detail: str
    seconds: float | None
    usual: float | None

    @property
    def time(self) -> str:
        """Return how long it took, takes or will take, for people."""
        usual = wording.spell_about(self.usual) if self.usual is not None else ""
        if self.status == NEXT:
            return usual and f"about {usual}"
        if self.seconds is None:
            return ""
        so_far = wording.spell(self.seconds)
        if self.status != NOW or self.usual is None:
            return so_far
        if self.seconds <= self.usual:
            return f"{so_far} of about {usual}"
        return f"{so_far}, usually {usual}" if self.usual >= _WORTH_SAYING else so_far

    @property
    def spoken(self) -> str:
        """Return how far it is, for who does not see it."""
        return _SPOKEN[self.status]


class ShownFailure(NamedTuple):
    """Why it failed, and what to do next; `facts` are its cause and exit code, in some words.

    `mistakes` are those in its commit's settings: where each is, and what.
    """

    message: str
    facts: str
    advice: str
    command: str
    mistakes: Sequence[tuple[str, str]] = ()


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


@dataclasses.dataclass(frozen=True)
class View:
    """What is shown of a preview. `state` is "" for one that nobody has asked for.

    `kind` is how it looks: the state, but "refused" where it runs and refused this visitor.
    """

    app: str
    sha: str
    state: str
    kind: str
    word: str
    sentence: str
    attempt: str | None = None
    reason: str = ""
    place: str = ""
    next_try_in: float | None = None
    steps: Sequence[ShownStep] = ()
    failure: ShownFailure | None = None
    members: Sequence[ShownMember] = ()

    @property
    def is_coming(self) -> bool:
        """Tell whether it is on its way to answer, or does already."""
        return self.state not in {"", State.STOPPED.value, State.FAILED.value}

    @property
    def progress(self) -> float | None:
        """Return which share of the usual time has passed, None where nothing is usual."""
        needed = [step for step in self.steps if step.status != SKIPPED and step.usual]
        whole = sum(step.usual or 0.0 for step in needed)
        if not whole or all(step.status == DONE for step in needed):
            return None
        return sum(_had(step) for step in needed) / whole

    @property
    def seconds(self) -> float:
        """Return for how long it is on its way."""
        return sum(step.seconds or 0.0 for step in self.steps)

    @property
    def left(self) -> str:
        """Return how long it will take still, for people; nothing where nothing is usual."""
        at = next((step for step in self.steps if step.status == NOW), None)
        if at is None:
            return ""
        left = max(0.0, (at.usual or 0.0) - (at.seconds or 0.0))
        left += sum(step.usual or 0.0 for step in self.steps if step.status == NEXT)
        if not left:
            return "longer than usual" if (at.usual or 0.0) >= _WORTH_SAYING else ""
        about = f"about {wording.spell_about(left)}"
        return f"then {about}" if at.name == "queued" else f"{about} to go"

    def message(self) -> dict[str, object]:
        """Return it as JSON for the page's script."""
        failure = self.failure._asdict() if self.failure else None
        steps = [{**step._asdict(), "spoken": step.spoken} for step in self.steps]
        more = {"members": [one._asdict() for one in self.members], "coming": self.is_coming}
        own = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return {**own, "steps": steps, "failure": failure, **more}


def unasked(app: str, sha: str, variant: Variant | None = None) -> View:
    """Return the view of what nobody has asked for yet, perhaps an instance of a variant."""
    steps = [ShownStep(name, title, NEXT, "", None, None) for name, title in wording.STEPS.items()]
    return View(
        *(app, sha, "", "", wording.WORDS[""], wording.SENTENCES[""]),
        steps=steps,
        members=show_members(variant),
    )


def show(preview: Preview, now: float, *, refused: str = "") -> View:
    """Return the view of a preview at `now` (epoch seconds).

    `refused` is the task that took no connection from who looks; empty where none was tried.
    """
    is_refused = (
        bool(refused)
        and preview.state == State.RUNNING.value
        and preview.task_id in (None, refused)
    )
    steps = _show_steps(preview, now)
    return View(
        app=preview.app,
        sha=preview.sha,
        state=preview.state,
        kind="refused" if is_refused else preview.state,
        word=wording.WORDS.get(preview.state, preview.state),
        sentence=_find_sentence(preview, steps, now, refused=is_refused),
        attempt=preview.task_id,
        reason="" if preview.has_failed else tame(preview.reason, 1000),
        place=preview.place if preview.is_coming else "",
        next_try_in=preview.next_try_in(now) if preview.is_coming else None,
        steps=steps,
        failure=_show_failure(preview) if preview.has_failed else None,
        members=show_members(preview.variant),
    )


def _find_sentence(
    preview: Preview, steps: Sequence[ShownStep], now: float, *, refused: bool
) -> str:
    if refused:
        return wording.SENTENCES["refused"]
    if preview.state == State.QUEUED.value and preview.next_try_in(now):
        return wording.SENTENCES["again"]
    if preview.has_failed and all(step.status in (DONE, SKIPPED) for step in steps):
        return wording.FAILED_RUNNING
    at = next((step.name for step in steps if step.status == FAILED), "")
    if preview.failure and preview.failure.cause in wording.FAILED_FOR:
        return wording.FAILED_FOR[preview.failure.cause]
    return wording.FAILED_AT.get(at) or wording.find_sentence(preview.state, preview.phase)


def _show_failure(preview: Preview) -> ShownFailure:
    failure, handle = preview.failure, preview.handle
    if failure is None:
        return ShownFailure(
            "The reason is not known.", "", *wording.find_advice("", preview.app, handle)
        )
    facts = [tame(failure.cause, 60).replace("-", " ")]
    if failure.exit_code is not None:
        facts.append(f"exit code {failure.exit_code}")
    advice = wording.find_advice(failure.cause, preview.app, handle)
    return ShownFailure(
        tame(failure.message, _MESSAGE),
        " \u00b7 ".join(facts),
        *advice,
        _show_mistakes(failure.mistakes, preview),
    )


def _show_mistakes(mistakes: Sequence[Mistake], preview: Preview) -> Sequence[tuple[str, str]]:
    """Return as many as there is room for, and where to find the others."""
    shown: list[tuple[str, str]] = []
    room = _MISTAKES
    for number, one in enumerate(mistakes):
        says = tame(one.message, 300)
        room -= len(says) + 40
        if room < 0:
            more = f"prevs show {preview.app} {preview.handle} lists all {len(mistakes)}"
            return [*shown, ("…", more)] if number else [(f"line {one.line}", says)]
        shown.append((f"line {one.line}", says))
    return shown


def _show_steps(preview: Preview, now: float) -> list[ShownStep]:
    """Return all steps; those of an attempt that was stopped are over, and come again."""
    reported = {step.name: step for step in preview.steps}
    known = [reported.get(name, Step(name, None, None, None)) for name in wording.STEPS]
    over = preview.is_stopped or preview.state == State.DRAINING.value
    if over:
        known = [Step(step.name, None, None, step.usual) for step in known]
    elif all(step.began is None for step in known):
        known = [_guess(step, preview) for step in known]
    times = [(step.began, step.ended) for step in known]
    statuses = find_statuses(preview.state, times, preview.changed)
    return [
        _show_step(step, status.value, preview, now)
        for step, status in zip(known, statuses, strict=True)
    ]


def _guess(step: Step, preview: Preview) -> Step:
    """Return what is known of a step by the state alone: that it goes on, since it changed."""
    current = preview.phase if preview.phase in wording.STEPS else preview.state
    return step._replace(began=preview.changed) if step.name == current else step


def _show_step(step: Step, status: str, preview: Preview, now: float) -> ShownStep:
    seconds = None
    if step.began is not None and (step.ended is not None or status == NOW):
        seconds = max(0.0, (now if step.ended is None else step.ended) - step.began)
    detail = _detail(step.name, status, preview)
    # Of one that has failed, what did not begin never will.
    usual = None if preview.has_failed and status == NEXT else step.usual
    return ShownStep(step.name, wording.STEPS[step.name], status, detail, seconds, usual)


def _detail(name: str, status: str, preview: Preview) -> str:
    if status == SKIPPED:
        return "not needed"
    if name == "placed" and status != NEXT and preview.agent:
        return tame(preview.agent, 100)
    if status in (NOW, FAILED) and name == (preview.phase or preview.state):
        return tame(preview.detail, 300)
    return ""


def _had(step: ShownStep) -> float:
    usual = step.usual or 0.0
    if step.status == DONE:
        return usual
    return min(step.seconds or 0.0, _NOT_ALL * usual) if step.status == NOW else 0.0
