import pytest

from tests.fakes.jobs_api import JobsApi

FILE = b"""\
[jobs.report]
command = ["python", "report.py"]
timeout = 900
retries = 3

[jobs.clean]
command = ["rake", "clean"]
priority = 0
"""


@pytest.fixture
def api() -> JobsApi:
    """Replace the API of all tests."""
    return JobsApi(FILE)
