"""The addresses of a preview's services: `<service>--<label>.<app>.<domain>`, and the flat form."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from prevs import names, service_names

LABELS = st.from_regex(names.DNS_LABEL, fullmatch=True)
APPS = st.from_regex(names.APP_NAME, fullmatch=True).filter(names.is_app_name)
SERVICES = LABELS | st.text(min_size=1, max_size=63)
SHA = "5c80e7d" + "a" * 33
NESTED = names.addresses("a.org", 80)
FLAT = names.Addresses("https://{label}--{app}.a.org/")
LONG_APP = "a" * 40


@pytest.mark.parametrize(
    ("service", "label", "nested", "flat"),
    [
        ("result", "main", "result--main.shop", "result--main--shop"),
        ("result", SHA, f"result--{SHA}.shop", f"result--{SHA}--shop"),
        ("result", "v--cart", "result--v--cart.shop", "result--v--cart--shop"),
        ("web_Result", "main", "web-result-474bbf78--main.shop", "web-result-474bbf78--main--shop"),
        (
            "result",
            "y" * 63,
            "result--yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy-a96b8773.shop",
            "result--yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy-a96b8773--shop",
        ),
    ],
)
def test_a_service_has_an_address_below_its_app_that_never_changes(
    service: str, label: str, nested: str, flat: str
) -> None:
    assert service_names.service_url(NESTED, service, label, "shop") == f"http://{nested}.a.org/"
    assert service_names.service_url(FLAT, service, label, "shop") == f"https://{flat}.a.org/"


@given(SERVICES, LABELS, APPS)
@example("a" * 63, "b" * 63, LONG_APP)
@example("a--b", SHA, LONG_APP)
def test_each_address_of_a_service_is_one_dns_label_that_is_read_back(
    service: str, label: str, app: str
) -> None:
    made = service_names.service_labels(service, label, app)
    assert all(map(names.is_label, made))
    for one, addresses in ((made[0], NESTED), (made[-1], FLAT)):
        host = (
            service_names.service_url(addresses, service, label, app)
            .partition("://")[2]
            .removesuffix("/")
        )
        assert names.is_label(host.partition(".")[0]), "a wildcard certificate covers it"
        assert names.split_host(host, "a.org") == (one, app)
    read = service_names.split_service(made[0])
    assert read is not None
    assert read[0] == service_names.service_part(service)
    assert label.startswith(read[1]) or names.may_be_flat(read[1], read[0])


@given(SERVICES, SERVICES, LABELS, APPS)
def test_two_services_have_two_addresses(one: str, other: str, label: str, app: str) -> None:
    shared = {*service_names.service_labels(one, label, app)} & {
        *service_names.service_labels(other, label, app)
    }
    assert not shared or one == other


@pytest.mark.parametrize("label", ["main", "pr-7", "-a--b", "a---b", "a--", "--b"])
def test_most_labels_are_no_services(label: str) -> None:
    assert service_names.split_service(label) is None


@pytest.mark.parametrize(
    ("service", "variable"),
    [("result", "PREVS_URL_RESULT"), ("web-1.b_c", "PREVS_URL_WEB_1_B_C"), ("ü", "PREVS_URL__")],
)
def test_a_variable_is_named_by_its_service(service: str, variable: str) -> None:
    assert service_names.url_variable(service) == variable
