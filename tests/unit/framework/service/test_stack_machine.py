"""Any order of what people, repositories, tasks and dying leaders may do to stacks.

At each moment, nothing has been stopped that others share. In the end, all follows from the stacks.
"""

import contextlib
import functools
from collections.abc import Callable, Mapping, Sequence

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from framework.errors import FrameworkError
from prevs.states import State
from tests.fakes.mishaps import Died, Fate
from tests.fakes.stack_story import APPS, CART, MAIN, WEB, StackStory

COMMITS = ("b" * 40, "c" * 40, "d" * 40)

names = st.sampled_from(["shop", "shop", "mall"])
members = st.sampled_from(["web", "cart", "auth"])
branches = st.sampled_from(["dev", "feature"])
apps = st.sampled_from(APPS)
which = st.integers(0, 11)
fates = st.sampled_from([Fate.DIES_BEFORE, Fate.DIES_AFTER, Fate.LOST, Fate.UNANSWERED])


class Stacks(RuleBasedStateMachine):
    """`story` is the leader's."""

    def __init__(self) -> None:
        super().__init__()
        self.story = StackStory()
        for app in (WEB, CART):
            self.story.heads[app]["dev"] = COMMITS[0]
        self.story.write()
        self.story.open("dev", "web")
        for member in ("web", "cart"):
            self.story.run(member)
            self.story.run(member, "dev")

    def act(self, act: Callable[[], object]) -> None:
        """Do something; who dies of it is followed by the next leader."""
        try:
            with contextlib.suppress(FrameworkError):
                act()
        except Died:
            self.story = self.story.take_over()

    @rule(
        name=names,
        others=st.dictionaries(members, apps, max_size=2),
        entry=members,
        label=st.sampled_from(["main", "main", "dev"]),
    )
    def write(self, name: str, others: Mapping[str, str], entry: str, label: str) -> None:
        written = {"web": WEB, "cart": CART, **others}
        self.act(lambda: self.story.write(written, entry, name=name, cart=label))

    @rule(
        name=names,
        ref=branches,
        own=st.lists(members, unique=True, max_size=2),
        chosen=st.dictionaries(members, branches, max_size=1),
    )
    def open(self, name: str, ref: str, own: Sequence[str], chosen: Mapping[str, str]) -> None:
        self.act(lambda: self.story.open(ref, *own, name=name, **chosen))

    @rule(number=which, what=st.sampled_from(["close", "close", "pin", "unpin", "remove"]))
    def change(self, number: int, what: str) -> None:
        """Change an open variant, or remove its stack."""
        known = self.story.driven.service.snapshot.stacks
        if found := [(name, one) for name in known for one in known[name].variants]:
            name, variant = found[number % len(found)]
            if what == "close":
                self.act(lambda: self.story.close(variant, name))
            elif what == "remove":
                self.act(lambda: self.story.remove(name))
            else:
                self.act(lambda: self.story.pin(variant, name, pinned=what == "pin"))

    @rule(app=apps, branch=branches, sha=st.sampled_from([*COMMITS, *COMMITS, None]))
    def push(self, app: str, branch: str, sha: str | None) -> None:
        self.act(lambda: self.story.push(app, **{"main": MAIN, branch: sha}))

    @rule(number=which, steps=st.integers(0, 3))
    def visit(self, number: int, steps: int) -> None:
        """Visit an instance, and let it start."""
        if found := list(self.story.driven.service.snapshot.instances.values()):
            stack, variant, at = found[number % len(found)]
            self.act(functools.partial(self.story.visit, at.member, variant, stack))
            for _ in range(steps):
                if preview := self.story.instances().get(at.instance):
                    self.act(functools.partial(self.story.go_on, preview))

    @rule(number=which, steps=st.integers(1, 3))
    def go_on(self, number: int, steps: int) -> None:
        for _ in range(steps):
            if found := self.story.previews():
                self.act(functools.partial(self.story.go_on, found[number % len(found)]))

    @rule(number=which)
    def fail(self, number: int) -> None:
        """Let an instance's task be lost."""
        found = [one for one in self.story.instances().values() if one.state is State.RUNNING]
        if found:
            task_id = found[number % len(found)].task_id
            self.act(lambda: self.story.driven.update("TASK_FAILED", task=task_id))

    @rule(seconds=st.sampled_from([1.0, 6.0]))
    def wait(self, seconds: float) -> None:
        self.act(lambda: self.story.driven.tick(seconds))

    @rule(wait=st.integers(0, 4), fate=st.none() | fates)
    def trouble(self, wait: int, fate: Fate | None) -> None:
        """Plan a mishap for one of the next writes, or let another framework lead now."""
        if fate is None:
            self.story = self.story.take_over()
        else:
            self.story.driven.mishaps.plan([Fate.GOOD] * wait + [fate])

    @invariant()
    def what_is_shared_is_never_stopped(self) -> None:
        for one in self.story.previews():
            stopped = one.state in (State.DRAINING, State.STOPPED)
            assert one.instance or not stopped, one

    @invariant()
    def it_meets_no_defect_of_its_own(self) -> None:
        registry = self.story.driven.registry
        assert registry.get_sample_value("prevs_service_errors_total") == 0

    def teardown(self) -> None:
        self.story.driven.mishaps.plan([])
        for _ in range(3):
            for one in self.story.previews():
                self.story.go_on(one)
        self.story.settle()
        assert self.story.find_wrong() == []
        for name in list(self.story.driven.records.stacks.all):
            self.story.remove(name)
        self.story.settle()
        assert self.story.gates() == {}
        assert not any(one.instance for one in self.story.previews())


TestStacks = Stacks.TestCase
TestStacks.settings = settings(
    # The same examples each time. To search for more, take a seed and many examples.
    derandomize=True,
    database=None,
    max_examples=settings().max_examples // 2,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
