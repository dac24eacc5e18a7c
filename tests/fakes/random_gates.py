"""Strategies of rules and requests, small enough that requests often match rules."""

from collections.abc import Mapping

from hypothesis import strategies as st

from prevs.gate_rules import Request
from prevs.gates import LOTS, Condition, ConditionKind, Override, Revision, Rule, Sticky, Target


def merge(*parts: Mapping[str, str]) -> Mapping[str, str]:
    """Return all entries of some mappings."""
    return {key: value for part in parts for key, value in part.items()}


SEGMENTS = st.sampled_from(["v1", "v10", "%2e"])
PATHS = st.just("/") | st.lists(SEGMENTS, max_size=2).map(lambda parts: "/" + "/".join(parts))
VALUES = st.sampled_from(["1", "1=2", "v|"])
NAMES = st.sampled_from(["x", "v"])
TYPES = st.sampled_from(["shop", "shop.v2+json"])
METHODS = st.sampled_from(["GET", "POST", "PUT"])
LABELS = st.sampled_from(["main", "pr-7", "v1"])
VARIANTS = st.sampled_from(["cart", "cart-2"])
NAMED = st.sampled_from([ConditionKind.HEADER, ConditionKind.COOKIE, ConditionKind.QUERY])
CONDITIONS = st.one_of(
    st.builds(Condition, st.just(ConditionKind.METHOD), METHODS),
    st.builds(Condition, st.just(ConditionKind.ACCEPT), TYPES),
    st.builds(Condition, NAMED, VALUES, NAMES),
)


@st.composite
def target_lists(draw: st.DrawFn) -> tuple[Target, ...]:
    labels = draw(st.lists(LABELS, min_size=1, max_size=3, unique=True))
    cuts = sorted(draw(st.integers(0, LOTS)) for _ in labels[1:])
    ends = zip(labels, [0, *cuts], [*cuts, LOTS], strict=True)
    return tuple(Target(label, end - start) for label, start, end in ends)


def make_revisions(
    conditions: st.SearchStrategy[Condition], *, most: int, override: bool
) -> st.SearchStrategy[Revision]:
    """Return revisions of up to `most` rules, whose conditions are some of these."""
    rules = st.builds(
        Rule, PATHS, target_lists(), st.none() | conditions, st.sampled_from(list(Sticky))
    )
    overrides = st.lists(st.sampled_from(list(Override)), unique=True).map(tuple)
    return st.builds(
        Revision,
        st.sampled_from([1, 11]),
        st.lists(rules, min_size=3, max_size=most, unique_by=lambda one: (one.path, one.when)).map(
            tuple
        ),
        st.just(()) | overrides if override else st.just(()),
        st.booleans(),
        variants=st.just({}) | st.dictionaries(VARIANTS, LABELS, max_size=2),
    )


REVISIONS = make_revisions(CONDITIONS, most=12, override=True) | CONDITIONS.flatmap(
    # Of one value, HAProxy decides by itself.
    lambda one: make_revisions(st.just(one), most=4, override=False)
)
OTHERS = st.sampled_from(["", "v", "V1"])
ASKED = st.lists(SEGMENTS | OTHERS, max_size=3).map(lambda parts: "/" + "/".join(parts))
REFS = st.fixed_dictionaries({}, optional={"prevs-ref": st.sampled_from(["", "pr-8", "Feature/x"])})


NAMED_VALUES = st.dictionaries(NAMES, VALUES | st.just(""), max_size=2)
ACCEPTS = st.fixed_dictionaries(
    {},
    optional={
        "accept": st.sampled_from(
            [
                "*/*",
                "application/vnd.shop.v2+json",
                "text/html;q=1, application/VND.Shop;q=1, application/vnd.shop.v2+json",
                "application/vnd.other",
                "application/Vnd.shop.V2+json",
                "application/vnd.shop\t;q=1",
                "vnd.",
            ]
        ),
        "x-prevs-ref": st.sampled_from(["", "pr-9", "-"]),
    },
)
STACKS = st.fixed_dictionaries(
    {},
    optional={
        "x-prevs-stack": st.sampled_from(["", "cart", "cart-2", "gone"]),
        "baggage": st.sampled_from(
            [
                "prevs-stack=cart",
                "a=b, prevs-stack=cart,prevs-stack=cart-2;p=1",
                "prevs-stack=cart,prevs-stack=gone;p",
                "prevs-stack=cart =",
                "xprevs-stack=cart,prevs-stack,b=prevs-stack=cart",
            ]
        ),
    },
)
LOT_COOKIES = st.fixed_dictionaries(
    {}, optional={"prevs-lot": st.sampled_from(["0000", "0999", "9999", "1", "0999x"])}
)
REQUESTS = st.builds(
    Request,
    METHODS,
    ASKED | st.just("*"),
    st.builds(merge, NAMED_VALUES, ACCEPTS, st.just({}) | STACKS),
    st.builds(merge, NAMED_VALUES, LOT_COOKIES, REFS),
    st.builds(merge, NAMED_VALUES, REFS),
    st.integers(0, LOTS - 1),
    st.just("") | VARIANTS,
)
