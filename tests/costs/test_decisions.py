"""What deciding costs, in calls of Python functions: the same on any machine."""

import cProfile

from bench import decision

ROUNDS = 3

MOST = 515_000
"""Found: 502,000, by a hundredth more or less with another order of sets; 25,000 of them are for
the agents' addresses, in the first round alone. 12,000 came with pull requests: the gate for each
of the 400 that wait, and a longer record for each that starts; 10,000 with jobs; 5,000 with roles
and executors that wait, a dozen for each of the 400; 1,000 with stacks. One more look at each of
the 9,000 previews that run, one call each, is too much."""


def test_a_decision_takes_no_more_calls() -> None:
    """With 1,000 agents and 10,000 previews, of which 400 wait, as in the bench."""
    scene = decision.build()
    profile = cProfile.Profile()
    profile.enable()
    try:
        for _ in range(ROUNDS):
            decision._decide(scene)
    finally:
        profile.disable()
    calls = sum(entry.callcount for entry in profile.getstats()) // ROUNDS
    # At least one for each preview: else nothing was decided.
    assert 10_000 < calls <= MOST, calls
