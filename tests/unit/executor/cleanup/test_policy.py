"""executor/cleanup/policy.py: what is removed from a full disk, and in which order."""

from hypothesis import given
from hypothesis import strategies as st

from executor.cleanup.policy import DAY, HOUR, KEPT, Artifact, Kind, Prune, expired, last_use, plan

NOW = 1000 * DAY


def artifact(kind: Kind, name: str, age: float, *, in_use: bool = False) -> Artifact:
    return Artifact(kind, name, NOW - age, in_use)


OLD = artifact(Kind.IMAGE, "old", 9 * DAY)
NEW = artifact(Kind.IMAGE, "new", HOUR)
MIRROR = artifact(Kind.MIRROR, "mirror", 2 * DAY)
VOLUME = artifact(Kind.VOLUME, "volume", 20 * DAY)
YOUNGER = artifact(Kind.VOLUME, "younger", HOUR)
TREE = artifact(Kind.LEFTOVER, "tree", 60.0)
RUNNING = artifact(Kind.IMAGE, "running", 30 * DAY, in_use=True)


def test_the_least_recently_used_items_go_first_and_those_in_use_stay() -> None:
    assert plan([NEW, RUNNING, MIRROR, OLD], NOW, cache=False) == [OLD, MIRROR, NEW]


def test_leftovers_go_first_and_volumes_last() -> None:
    order = plan([YOUNGER, VOLUME, NEW, TREE], NOW, cache=False)
    assert order == [TREE, NEW, VOLUME, YOUNGER]


def test_the_build_cache_goes_along_with_items_of_its_age() -> None:
    order = plan([OLD, NEW, VOLUME], NOW, cache=True)
    steps = [step.before if isinstance(step, Prune) else step for step in order]
    assert steps.index(NOW - 14 * DAY) < steps.index(OLD) < steps.index(NOW - 7 * DAY)
    assert steps[steps.index(OLD) + 1] == OLD.used
    assert steps.index(NEW) < steps.index(NOW)
    assert steps[-2:] == [NOW, VOLUME]


THINGS = st.lists(
    st.builds(
        Artifact,
        st.sampled_from(Kind),
        st.text(max_size=3),
        st.floats(0, NOW, allow_nan=False),
        st.booleans(),
    ),
    unique=True,
)


@given(THINGS, st.booleans())
def test_every_unused_item_is_in_the_plan_once_and_nothing_else(
    artifacts: list[Artifact], cache: bool
) -> None:
    planned = [step for step in plan(artifacts, NOW, cache=cache) if isinstance(step, Artifact)]
    assert sorted(planned, key=repr) == sorted((t for t in artifacts if not t.in_use), key=repr)
    for kind in Kind:
        moments = [step.used for step in planned if step.kind is kind]
        assert moments == sorted(moments)


def test_a_volume_goes_after_a_long_time_unused_and_a_leftover_at_once() -> None:
    forgotten = artifact(Kind.VOLUME, "forgotten", KEPT + 1)
    in_use = artifact(Kind.VOLUME, "in use", KEPT + 1, in_use=True)
    assert expired([VOLUME, forgotten, in_use, TREE, RUNNING], NOW) == [forgotten, TREE]


def test_the_last_use_is_never_before_the_creation() -> None:
    assert last_use(None, 5.0) == last_use(3.0, 5.0) == 5.0
    assert last_use(7.0, 5.0) == 7.0
