import pytest

from framework.matching.constraints import find_problem, hold


@pytest.mark.parametrize(
    ("text", "attributes", "expected"),
    [
        ("zone=a", {"zone": "a"}, True),
        ("zone=a", {"zone": "b"}, False),
        ("zone=a", {}, False),
        ("zone=a|b", {"zone": "b"}, True),
        (" zone = a | b ", {"zone": "b"}, True),
        ("zone=a|b", {"zone": "c"}, False),
        ("disk!=slow", {"disk": "fast"}, True),
        ("disk!=slow", {"disk": "slow"}, False),
        ("disk!=slow|broken", {"disk": "broken"}, False),
        ("disk!=slow", {}, True),
        ("gpu", {"gpu": "false"}, True),
        ("gpu", {}, False),
        ("rack=1.5", {"rack": "1.5"}, True),
    ],
)
def test_an_agent_matches_by_its_attributes(
    text: str, attributes: dict[str, str], expected: bool
) -> None:
    assert find_problem(text) is None
    assert hold((text,), attributes) is expected


def test_all_constraints_have_to_hold() -> None:
    assert hold(("zone=a", "gpu"), {"zone": "a", "gpu": "1"})
    assert not hold(("zone=a", "gpu"), {"zone": "a"})
    assert hold((), {})


@pytest.mark.parametrize("text", ["", " ", "=a", "zone=", "zone=a|", "zone==a", "zone<2", "!gpu"])
def test_an_invalid_constraint_is_reported_and_matches_nothing(text: str) -> None:
    problem = find_problem(text)
    assert problem is not None
    assert repr(text) in problem
    assert not hold((text,), {"zone": "a", "gpu": "1"})
