"""Names made from names: defined for any input, valid where used, and readable again."""

import itertools
import re

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from prevs import names

ANY = st.text()
APPS = st.from_regex(names.APP_NAME, fullmatch=True).filter(names.is_app_name)
SHAS = st.from_regex(names.SHA, fullmatch=True)
LABELS = st.from_regex(names.DNS_LABEL, fullmatch=True)
ATTEMPTS = st.from_regex(names.ATTEMPT, fullmatch=True)
DOMAINS = st.lists(LABELS, min_size=1, max_size=3).map(".".join)
REFS = st.text(st.sampled_from("aAbB09-_/.é "), max_size=80)

# Docker's own grammar: distribution/reference (regexp.go) and moby daemon/names (names.go)
IMAGE = re.compile(
    r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
)
TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
CONTAINER = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
# What Mesos allows in a task id: common/validation.cpp, validateID
MESOS_ID = re.compile(r"[^/\\\x00-\x20\x7f]{1,255}")


def is_dns_label(text: str) -> bool:
    """RFC 1123 by hand, so that the pattern in names.py is not tested with itself."""
    allowed = set("abcdefghijklmnopqrstuvwxyz0123456789-")
    return 1 <= len(text) <= 63 and set(text) <= allowed and text[0] != "-" != text[-1]


@given(ANY)
@example("")
@example("a\n")
@example("-")
@example("é")
@example("٣")  # a digit, but not an ASCII one
def test_is_label_is_rfc_1123(text: str) -> None:
    assert names.is_label(text) == is_dns_label(text)


@given(ANY | REFS)
@example("\ud800")
@example("-" * 200)
@example("a" * 54 + "-" * 20)
def test_the_slug_of_anything_is_a_dns_label(ref: str) -> None:
    assert is_dns_label(names.slug(ref))


@given(LABELS)
def test_a_label_is_its_own_slug(label: str) -> None:
    assert names.slug(label) == label


@given(REFS, REFS)
@example("feature/a", "feature-a")
@example("Main", "main")
@example("a" * 70 + "x", "a" * 70 + "y")
def test_different_refs_have_different_slugs(one: str, other: str) -> None:
    assume(one != other)
    assert names.slug(one) != names.slug(other)


def test_a_slug_never_changes() -> None:
    """These are in people's bookmarks."""
    assert names.slug("feature/dark") == "feature-dark-0bef4359"
    assert names.slug("Ünïcode") == "n-code-00b24be8"
    assert names.slug("///") == "ref-732c4e97"


@given(APPS)
def test_an_app_name_is_a_dns_label_without_two_hyphens_in_a_row(app: str) -> None:
    assert is_dns_label(app)
    assert "--" not in app
    assert len(app) <= 40


@pytest.mark.parametrize("app", ["", "a--b", "1a", "-a", "a-", "A", "a.b", "a\n", "a" * 41])
def test_invalid_app_names_are_refused(app: str) -> None:
    assert not names.is_app_name(app)


@pytest.mark.parametrize("text", ["", "f" * 39, "f" * 41, "F" * 40, "g" * 40, "f" * 40 + "\n"])
def test_invalid_commits_are_refused(text: str) -> None:
    assert not names.is_sha(text)


@given(SHAS, st.integers(7, 40))
def test_7_digits_and_more_may_abbreviate_a_commit(sha: str, digits: int) -> None:
    assert names.is_commit_prefix(sha[:digits])
    assert not names.is_commit_prefix(sha[:6])
    assert names.short(sha) == sha[:7]


@given(LABELS, APPS, DOMAINS, st.integers(1, 65535))
def test_a_host_is_read_back(label: str, app: str, domain: str, port: int) -> None:
    host = names.host(label, app, domain)
    for sent in (host, host.upper(), f"{host}:{port}", f"{host}.", f"{host}.:{port}"):
        assert names.split_host(sent, domain) == (label, app)


@given(LABELS, APPS, DOMAINS)
@example("a--b", "c", "x")
def test_the_flat_form_is_read_like_the_nested_one(label: str, app: str, domain: str) -> None:
    assert names.split_host(f"{label}--{app}.{domain}", domain) == (label, app)


def test_two_hyphens_in_a_label_are_the_flat_form_only_right_below_the_domain() -> None:
    assert names.split_host("main--hello.shop.localhost", "localhost") == ("main--hello", "shop")


@given(ANY, ANY)
@example("", "")
@example("main.hello.localhost", "")
@example("main--hello", "")
@example("main.hello.localhost", ".")
@example("İ.hello.localhost", "localhost")
def test_split_host_accepts_any_text(name: str, domain: str) -> None:
    found = names.split_host(name, domain)
    assert found is None or (names.is_label(found[0]) and names.is_app_name(found[1]))


@pytest.mark.parametrize(
    "name",
    [
        "hello.localhost",
        "localhost",
        "a.b.hello.localhost",
        "main.hello.example.org",
        "main.hello.notlocalhost",
        "-.hello.localhost",
        "main..localhost",
        "main.hello.localhost.evil.org",
        "main.hello.localhost:80:80",
        "main.hello.localhost..",
        "main--hello",
        "main---hello.localhost",
        "--hello.localhost",
        "main--.localhost",
        "main--hello.notlocalhost",
        "",
    ],
)
def test_hosts_that_are_not_previews_are_refused(name: str) -> None:
    assert names.split_host(name, "localhost") is None


@given(APPS, SHAS, ANY)
@example("hello", "f" * 40, "")
def test_docker_accepts_the_image_tag(app: str, sha: str, folder: str) -> None:
    image, _, tag = names.image_tag(app, sha, folder).partition(":")
    assert IMAGE.fullmatch(image)
    assert TAG.fullmatch(tag)


def test_the_image_of_another_folder_has_another_name() -> None:
    tags = {names.image_tag("shop", "f" * 40, folder) for folder in ("", "web", "api")}
    assert len(tags) == 3


def test_the_image_of_another_stage_has_another_name() -> None:
    words = ("", "web", "api")
    tags = {
        names.image_tag("shop", "f" * 40, folder, trusted=trusted, stage=stage)
        for folder, stage in itertools.product(words, words)
        for trusted in (True, False)
    }
    assert len(tags) == 18
    assert all(TAG.fullmatch(tag.partition(":")[2]) for tag in tags)


@given(ANY, ANY, st.booleans())
def test_docker_accepts_the_tag_of_a_pulled_image(image: str, cluster: str, trusted: bool) -> None:
    repository, _, tag = names.pulled_tag(image, cluster, trusted=trusted).partition(":")
    assert IMAGE.fullmatch(repository)
    assert TAG.fullmatch(tag)
    assert not names.is_app_name(repository.partition("/")[2])


@given(APPS, SHAS, ATTEMPTS)
def test_a_task_id_is_read_back(app: str, sha: str, attempt: str) -> None:
    task = names.task_id(app, sha, attempt)
    assert names.read_task_id(task) == (app, sha, attempt)
    assert MESOS_ID.fullmatch(task)


@given(ANY)
@example("hello." + "f" * 40 + ".a1\n")
@example("hello." + "f" * 40 + ".a1.b2")
def test_only_task_ids_are_read_as_such(text: str) -> None:
    found = names.read_task_id(text)
    assert found is None or names.task_id(*found) == text


def test_a_foreign_task_id_is_not_read() -> None:
    assert names.read_task_id("hello." + "f" * 40 + ".a1\n") is None
    assert names.read_task_id("marathon.task.1") is None


@given(ANY)
def test_docker_accepts_the_container_name_of_any_task(task: str) -> None:
    name = names.container_name(task)
    assert CONTAINER.fullmatch(name)
    assert not name.startswith("mesos-")


@given(APPS, SHAS, ATTEMPTS)
def test_a_container_name_is_unique_and_shows_nothing_of_its_task(
    app: str, sha: str, attempt: str
) -> None:
    task = names.task_id(app, sha, attempt)
    name = names.container_name(task)
    assert name == names.container_name(task) != names.container_name(f"{task}0")
    assert sha[:7] not in name
    assert len(app) < 4 or app not in name


def test_the_container_name_of_a_companion_shows_nothing_of_it() -> None:
    found = [names.container_name("a.task", companion) for companion in ("", "postgres", "ledger")]
    assert len({*found}) == 3
    assert all(re.fullmatch("prevs-[0-9a-f]{20}", name) for name in found)


def test_a_task_is_named_by_the_flat_form_of_its_address() -> None:
    assert names.task_name("hello", "main", "5c80e7d" + "0" * 33) == "hello@main (5c80e7d)"
    assert names.discovery_name("main", "hello") == "main--hello"


@given(LABELS, APPS, LABELS, APPS)
@example("a", "b-c", "a-b", "c")
@example("a" * 63, "one", "a" * 63, "two")
def test_the_discovery_name_of_a_task_is_a_unique_dns_label(
    label: str, app: str, other_label: str, other_app: str
) -> None:
    assume((label, app) != (other_label, other_app))
    name = names.discovery_name(label, app)
    assert is_dns_label(name)
    assert name != names.discovery_name(other_label, other_app)


@pytest.mark.parametrize(
    ("addresses", "url"),
    [
        (names.addresses("a.org", 80), "http://main.hello.a.org/"),
        (names.addresses("a.org", 8080), "http://main.hello.a.org:8080/"),
        (names.Addresses("https://{label}--{app}.a.org/"), "https://main--hello.a.org/"),
    ],
)
def test_an_address_has_its_form_and_an_unusual_port(addresses: names.Addresses, url: str) -> None:
    assert addresses.url("main", "hello") == url


LONG_APP = "a" * 40


@pytest.mark.parametrize(
    ("form", "url"),
    [
        ("http://{label}.{app}.localhost:8080/", "http://localhost:8080/_prevs/hooks/shop"),
        ("https://{label}.{app}.a.org/", "https://a.org/_prevs/hooks/shop"),
        ("https://{label}--{app}.a.org:8443/", "https://hooks.a.org:8443/_prevs/hooks/shop"),
    ],
)
def test_webhooks_have_an_address_that_the_same_certificate_covers(form: str, url: str) -> None:
    found = names.Addresses(form).hook_url("shop")
    assert found == url
    host = found.split("/")[2].partition(":")[0]
    assert names.split_host(host, "a.org") is None


@pytest.mark.parametrize(
    ("form", "url"),
    [
        ("http://{label}.{app}.localhost:8080/", "http://sign-in.localhost:8080/_prevs/signed-in"),
        ("https://{label}--{app}.a.org/", "https://sign-in.a.org/_prevs/signed-in"),
    ],
)
def test_a_provider_sends_people_back_to_the_sign_in_host(form: str, url: str) -> None:
    assert names.Addresses(form).signed_in_url() == url


@pytest.mark.parametrize(
    ("host", "app"),
    [
        ("shop.a.org", "shop"),
        ("main.shop.a.org", ""),
        ("main--shop.a.org", ""),
        ("sign-in.a.org", ""),
        ("hooks.a.org", ""),
        ("a.org", ""),
        (".a.org", ""),
        ("shop.b.org", ""),
        ("shop", ""),
        ("Shop.a.org", ""),
    ],
)
def test_a_landing_page_is_right_below_the_domain(host: str, app: str) -> None:
    assert names.find_landing(host, "a.org") == app


@given(APPS)
def test_a_landing_page_is_at_no_preview_and_not_where_proxies_are(app: str) -> None:
    host = f"{app}.a.org"
    assert names.split_host(host, "a.org") is None
    assert names.find_landing(host, "a.org") in (app, "")
    assert (names.find_landing(host, "a.org") == "") == (app in names.PROXIES_OWN)


FLAT_FORM = names.Addresses("https://{label}--{app}.a.org/")


@given(LABELS | SHAS | REFS.map(names.slug), APPS)
@example("a" * 63, LONG_APP)
@example("-".join("a" * 32), LONG_APP)
@example("f" * 40, LONG_APP)
@example("a" * 62, "a")
def test_the_flat_form_of_any_label_and_app_is_one_dns_label_that_is_read_back(
    label: str, app: str
) -> None:
    host = FLAT_FORM.url(label, app).removeprefix("https://").removesuffix("/")
    assert is_dns_label(host.removesuffix(".a.org"))
    read = names.split_host(host, "a.org")
    assert read is not None
    # As HAProxy writes it before it looks into its map.
    assert names.host(*read, "a.org") in names.hosts(label, app, "a.org")
    assert names.host(label, app, "a.org") in names.hosts(label, app, "a.org")
    short, _ = read
    if names.is_sha(label):
        assert label.startswith(short)
        assert names.is_commit_prefix(short)
    elif short != label:
        assert names.may_be_flat(short, app)
        assert short == names.flat_label(label, app) == names.flat_label(short, app)


@given(LABELS, LABELS, APPS)
@example("a" * 62 + "b", "a" * 62 + "c", LONG_APP)
def test_two_labels_of_an_app_have_two_addresses_in_the_flat_form(
    one: str, other: str, app: str
) -> None:
    assume(one != other)
    assert names.flat_label(one, app) != names.flat_label(other, app)


def test_an_address_in_the_flat_form_never_changes() -> None:
    assert FLAT_FORM.url("main", LONG_APP) == f"https://main--{LONG_APP}.a.org/"
    cut = FLAT_FORM.url("long-" + "y" * 49 + "-12345678", "heldflask")
    assert cut == "https://long-yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy-56e5f81d--heldflask.a.org/"
    assert names.addresses("a.org", 80).url("a" * 63, LONG_APP) == (
        f"http://{'a' * 63}.{LONG_APP}.a.org/"
    ), "the other form has room"


def test_the_app_of_a_host_is_read_back() -> None:
    assert names.app_of_host(names.host("main", "shop", "preview.example.org")) == "shop"
    assert names.app_of_host(names.host("main", "shop", "localhost")) == "shop"
    assert names.app_of_host("nodots") == ""


def test_the_name_of_a_volume_is_unique_to_its_preview_path_and_app() -> None:
    first = ("f", "hello", "a" * 40, "/data")
    assert names.volume_name(*first) == "prevs-hello-aaaaaaa-a7f89867bcb06c5a"
    found = {
        names.volume_name(*first),
        names.volume_name(*first, app_created=1.5),
        names.volume_name(*first, app_created=1.25),
        names.volume_name("g", *first[1:]),
        names.volume_name("f", "other", *first[2:]),
        names.volume_name("f", "hello", "b" * 40, "/data"),
        names.volume_name(*first[:3], "/more"),
        names.volume_name("f", "hello", names.branch_key("a" * 40, 1.5), "/data"),
        names.volume_name("f", "hello", names.branch_key("a" * 40, 2.5), "/data"),
    }
    assert len(found) == 9


@pytest.mark.parametrize("branch", ["main", "feature/x", "Fix_Ä", "x" * 250])
def test_docker_takes_the_name_of_a_volume_of_any_branch(branch: str) -> None:
    name = names.volume_name("f", "hello", names.branch_key(branch, 1.5), "/data")
    assert re.fullmatch(r"prevs-hello-[a-z0-9-]{1,63}-[0-9a-f]{16}", name)


@given(APPS, SHAS, st.from_regex(r"[0-9a-z]{1,20}", fullmatch=True), st.integers(1, 9999))
def test_tasks_of_one_executor_for_jobs_have_its_id_and_folders_of_their_own(
    app: str, sha: str, executor: str, number: int
) -> None:
    task = names.task_id(app, sha, names.job_attempt(executor, number))
    first = names.task_id(app, "b" * 40, names.job_attempt(executor, 1))
    assert names.executor_id(task) == names.executor_id(first) == f"{app}.jobs.{executor}"
    assert names.find_number(task) == number
    assert names.sandbox_folder(task) == f"jobs/{task}"
    assert names.read_task_id(names.executor_id(task)) is None


@given(APPS, SHAS, st.from_regex(r"[0-9a-z]{1,20}", fullmatch=True))
def test_any_other_task_has_an_executor_of_its_own_and_the_whole_sandbox(
    app: str, sha: str, attempt: str
) -> None:
    task = names.task_id(app, sha, attempt)
    assert (names.executor_id(task), names.find_number(task)) == (task, 0)
    assert names.sandbox_folder(task) == ""
    assert names.executor_id("marathon.task-1") == "marathon.task-1"
