from datetime import UTC, datetime

import pytest

from framework.access import Scope
from prevs.records import AppRecord
from tests.fakes.dashboard import Dashboard, Visitor

SHA = "5c80e7d2f1a64b0c9d3e8f7a6b5c4d3e2f1a0b9c"
NOW = datetime(2026, 11, 17, 12, tzinfo=UTC).timestamp()
"""When each page is shown."""


@pytest.fixture
def dashboard() -> Dashboard:
    """A dashboard with an app `hello`, whose branch main leads to SHA."""
    dashboard = Dashboard(now=lambda: NOW)
    dashboard.previews.known_apps["hello"] = AppRecord("hello", "/hello.git", created=1000.0)
    dashboard.refs.put("hello", "main", SHA)
    return dashboard


@pytest.fixture
def visitor(dashboard: Dashboard) -> Visitor:
    """Somebody who has signed in with the operator's token."""
    return dashboard.sign_in()


@pytest.fixture
def user(dashboard: Dashboard) -> Visitor:
    """Somebody who may use all apps, and change none."""
    return dashboard.enter(Scope.USE)


@pytest.fixture
def reader(dashboard: Dashboard) -> Visitor:
    """Somebody who may only look."""
    return dashboard.enter(Scope.READ)
