import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.http_api.admission.actions import name_action


@pytest.mark.parametrize(
    ("method", "path", "named"),
    [
        ("POST", "/v1/apps", ("add app", "")),
        ("PATCH", "/v1/apps/hello", ("change app", "hello")),
        ("DELETE", "/v1/apps/hello", ("remove app", "hello")),
        ("PUT", "/v1/apps/a/environment/B", ("set variable", "a/environment/B")),
        ("DELETE", "/v1/apps/a/environment/B", ("unset variable", "a/environment/B")),
        ("DELETE", "/v1/apps/a/environment", ("unset variables", "a")),
        ("PUT", "/v1/apps/a/credential", ("set credential", "a")),
        ("DELETE", "/v1/apps/a/credential", ("unset credential", "a")),
        ("PUT", "/v1/apps/a/environment", ("PUT", "/v1/apps/a/environment")),
        ("PUT", "/v1/apps/a/environment/B/C", ("PUT", "/v1/apps/a/environment/B/C")),
        ("POST", "/v1/previews", ("start preview", "")),
        ("DELETE", "/v1/previews/hello/5c80", ("stop preview", "hello/5c80")),
        ("POST", "/v1/previews/hello/5c80/retry", ("retry preview", "hello/5c80")),
        ("PUT", "/v1/previews/hello/5c80/pin", ("pin preview", "hello/5c80")),
        ("DELETE", "/v1/previews/hello/5c80/pin", ("unpin preview", "hello/5c80")),
        ("POST", "/v1/tokens", ("add token", "")),
        ("DELETE", "/v1/tokens/deploys", ("remove token", "deploys")),
        ("POST", "/v1/uses", ("report uses", "")),
        ("POST", "/v1/refusals", ("report refusals", "")),
        ("DELETE", "/v1/apps/a\nb", ("remove app", "a\nb")),
        ("PUT", "/v1/apps/hello", ("PUT", "/v1/apps/hello")),
        ("POST", "/v1/apps/hello/labels/x", ("POST", "/v1/apps/hello/labels/x")),
        ("POST", "/v1", ("POST", "/v1")),
    ],
)
def test_a_write_has_a_name_and_what_it_is_done_to(
    method: str, path: str, named: tuple[str, str]
) -> None:
    assert name_action(method, path) == named


@given(st.sampled_from(["POST", "PUT", "DELETE", "BREW"]), st.text(st.characters()))
def test_any_path_has_one(method: str, rest: str) -> None:
    action, target = name_action(method, f"/v1/{rest}")
    assert action
    assert target in f"/v1/{rest}"
