import pytest

from tests.fakes.driven import Driven
from tests.fakes.driven_jobs import Jobs
from tests.fakes.gate_story import GateStory
from tests.fakes.schedule_story import Story
from tests.fakes.stack_story import CART, FEATURE, StackStory


@pytest.fixture
def jobs(driven: Driven) -> Jobs:
    return Jobs(driven)


@pytest.fixture
def gates() -> GateStory:
    return GateStory()


@pytest.fixture
def schedules() -> Story:
    return Story()


@pytest.fixture
def stacks() -> StackStory:
    """The stack shop of web and cart, and a branch `feature` in the repository of cart."""
    story = StackStory()
    story.heads[CART]["feature"] = FEATURE
    story.write()
    return story
