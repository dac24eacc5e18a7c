"""Reading the settings of commits in threads of their own."""

import dataclasses
import queue
import threading
from collections.abc import Iterator, Mapping

import pytest

from framework import events
from framework.apps import effective_settings
from framework.apps.manifest import Manifest
from framework.errors import RepositoryUnreachable, Unavailable, UnknownLabel
from framework.git.manifest_reader import MOST_MISTAKES, ManifestReader, read_manifest
from framework.jobs.errors import CommitSettingsInvalid
from framework.jobs.leads import Lead
from framework.ports import RepositoryFile
from prevs.commit_settings import CommitSettings
from prevs.job_settings import JobSettings
from prevs.records import AppRecord, Failure, Mistake
from prevs.states import Cause
from tests.fakes.driven import A, B
from tests.fakes.refs import FakeRefs

APP = AppRecord("shop", "/srv/shop", folder="web", mem=128)
PATH = "web/.prevs.toml"
WATCH = ("web", ".gitattributes", ".gitmodules", ".lfsconfig")


def put(refs: FakeRefs, text: str, sha: str = A, app: str = "shop") -> None:
    """Put a text into a commit's file."""
    refs.files[app, sha, PATH] = RepositoryFile("file", len(text.encode()), text.encode())


class SlowRefs(FakeRefs):
    """Repositories of which one blocks its readers until the test releases them."""

    def __init__(self, app: str) -> None:
        super().__init__()
        self._app = app
        self.go = threading.Event()

    def list_folder(self, app: AppRecord, sha: str, path: str) -> Mapping[str, str]:
        if app.name == self._app:
            assert self.go.wait(60)
        return super().list_folder(app, sha, path)


@pytest.fixture
def submitted() -> "queue.SimpleQueue[events.Event]":
    return queue.SimpleQueue()


@pytest.fixture
def slow() -> Iterator[SlowRefs]:
    refs = SlowRefs("slow")
    yield refs
    refs.go.set()


def test_all_mistakes_are_reported_with_their_lines() -> None:
    refs = FakeRefs()
    put(refs, "prot = 1\n\n[resources]\nmem = 4096\n")
    failure = read_manifest(refs, APP, A)
    assert failure == Failure(
        Cause.SETTINGS_INVALID,
        f"{PATH} has 2 mistakes, in lines 1 and 4.",
        mistakes=(
            Mistake(1, "prot is not known; did you mean port?"),
            Mistake(
                4,
                "resources.mem asks for 4096 MB; this app's commits may have at most 2048: ask an "
                "admin to raise its max_mem (prevs app set shop --max-mem 4096)",
            ),
        ),
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("\nprot = 1", f"{PATH} has a mistake in line 2."),
        ("a = 1\nb = 1\nc = 1", f"{PATH} has 3 mistakes, in lines 1, 2 and 3."),
        ("[environment]\nPORT = 1\n'A B' = 2", f"{PATH} has 4 mistakes, in lines 2 and 3."),
        ("".join(f"k{n} = 1\n" for n in range(30)), f"{PATH} has 30 mistakes, in lines "
         f"{', '.join(map(str, range(1, 21)))} and 10 more."),
    ],
)  # fmt: skip
def test_a_sentence_names_the_lines_of_the_mistakes(text: str, sentence: str) -> None:
    refs = FakeRefs()
    put(refs, text)
    failure = read_manifest(refs, APP, A)
    assert isinstance(failure, Failure)
    assert failure.message == sentence
    assert len(failure.mistakes) <= MOST_MISTAKES


COMPOSE = 'compose = "../compose.yaml"\n'


def put_compose(refs: FakeRefs, file: RepositoryFile) -> None:
    refs.files["shop", A, "compose.yaml"] = file


def test_a_compose_file_is_read_from_where_the_settings_file_says() -> None:
    refs = FakeRefs()
    put(refs, COMPOSE)
    text = b"services: {web: {build: web}, db: {image: postgres}}"
    put_compose(refs, RepositoryFile("file", len(text), text))
    app = dataclasses.replace(APP, max_mem=512, max_cpus=1.0)
    found = read_manifest(refs, app, A)
    assert isinstance(found, Manifest)
    assert [one.name for one in found.settings.run.companions] == ["db"]


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (None, "is not in the commit"),
        (RepositoryFile("link", 3), "is a symbolic link; it must be a regular file"),
        (RepositoryFile("file", 300_000), "has 300,000 bytes; at most 262,144 are allowed"),
    ],
)
def test_a_compose_file_that_cannot_be_read_is_a_mistake_of_the_settings_file(
    file: RepositoryFile | None, message: str
) -> None:
    refs = FakeRefs()
    put(refs, COMPOSE)
    if file:
        put_compose(refs, file)
    failure = read_manifest(refs, APP, A)
    assert failure == Failure(
        Cause.SETTINGS_INVALID,
        f"{PATH} has a mistake in line 1.",
        mistakes=(Mistake(1, f"compose names ../compose.yaml, which {message}"),),
    )


def test_mistakes_in_a_compose_file_name_that_file() -> None:
    refs = FakeRefs()
    put(refs, COMPOSE)
    text = b"services:\n  web: {build: web, privileged: true}"
    put_compose(refs, RepositoryFile("file", len(text), text))
    failure = read_manifest(refs, APP, A)
    assert isinstance(failure, Failure)
    assert failure.message == "compose.yaml has a mistake in line 2."
    assert failure.mistakes[0].message.startswith("services.web.privileged is more")


def test_a_commit_costs_a_list_of_its_folder_and_a_look_at_each_file_that_describes_it() -> None:
    asked: list[str] = []

    class CountedRefs(FakeRefs):
        def read_file(
            self, app: AppRecord, sha: str, path: str, *, most: int
        ) -> RepositoryFile | None:
            asked.append(path)
            return super().read_file(app, sha, path, most=most)

        def list_folder(self, app: AppRecord, sha: str, path: str) -> Mapping[str, str]:
            asked.append(f"{path}/")
            return super().list_folder(app, sha, path)

    refs = CountedRefs()
    read_manifest(refs, APP, A)
    assert asked == ["web/", "web/Dockerfile"]
    put(refs, "port = 1")
    read_manifest(refs, APP, A)
    assert asked[2:] == ["web/", PATH]
    put(refs, COMPOSE)
    read_manifest(refs, APP, A)
    assert asked[4:] == ["web/", PATH, "compose.yaml"]


def test_settings_are_submitted_with_the_key_that_they_were_read_for(
    submitted: "queue.SimpleQueue[events.Event]",
) -> None:
    refs = FakeRefs()
    put(refs, "port = 8000")
    ManifestReader(refs, submitted.put).read(APP, A)
    settings = CommitSettings(port=8000, watch=WATCH)
    assert submitted.get() == events.SettingsRead(
        "shop", A, effective_settings.settings_key(APP), settings
    )


def test_an_unexpected_error_is_submitted_too(submitted: "queue.SimpleQueue[events.Event]") -> None:
    refs = FakeRefs()
    refs.files["shop", A, PATH] = ValueError("a defect")
    refs.files["shop", B, PATH] = RepositoryUnreachable("shop", "/srv/shop", "it is away")
    reading = ManifestReader(refs, submitted.put)
    for sha in (A, B):
        reading.read(APP, sha)
    first, second = submitted.get(), submitted.get()
    assert isinstance(first, events.SettingsRead)
    assert isinstance(first.outcome, Failure)
    assert isinstance(second, events.SettingsRead)
    assert isinstance(second.outcome, Failure)
    assert second.outcome.cause is Cause.REPOSITORY_UNREACHABLE


def test_one_repository_that_hangs_delays_no_other_reads(
    slow: SlowRefs, submitted: "queue.SimpleQueue[events.Event]"
) -> None:
    reading = ManifestReader(slow, submitted.put)
    reading.start()
    for number in range(20):
        reading.begin(AppRecord("slow", "/srv/slow"), f"{number:040}")
    reading.begin(APP, A)
    first = submitted.get(timeout=60)
    assert isinstance(first, events.SettingsRead)
    assert first.app == "shop"
    slow.go.set()
    assert {getattr(submitted.get(timeout=60), "sha", "") for _ in range(20)} == {
        f"{number:040}" for number in range(20)
    }
    reading.stop()


def test_a_label_is_found_with_what_its_commit_says(
    submitted: "queue.SimpleQueue[events.Event]",
) -> None:
    refs = FakeRefs()
    refs.put("shop", "main", A)
    put(refs, "[jobs.report]\ncommand = ['report']\n")
    reader = ManifestReader(refs, submitted.put)
    reader.start()
    reader.begin_lead(APP, "main")
    found = submitted.get(timeout=60)
    reader.stop()
    said = Manifest(CommitSettings(watch=WATCH), jobs={"report": JobSettings(("report",))})
    lead = Lead("main", A, ("heads/main",), said)
    assert found == events.LeadFound("shop", "main", effective_settings.settings_key(APP), lead)


def test_why_a_label_leads_nowhere_is_told(submitted: "queue.SimpleQueue[events.Event]") -> None:
    refs = FakeRefs()
    for label, sha in (("away", A), ("wrong", B), ("defect", "c" * 40)):
        refs.put("shop", label, sha)
    refs.put_away("shop", "away", 60.0)
    put(refs, "port = 0", sha=B)
    refs.files["shop", "c" * 40, PATH] = ValueError("a defect")
    reader = ManifestReader(refs, submitted.put)
    for label in ("away", "none", "wrong", "defect"):
        reader.read_lead(APP, label)
    found = [submitted.get(timeout=60) for _ in range(4)]
    outcomes = [type(one.outcome) for one in found if isinstance(one, events.LeadFound)]
    assert outcomes == [RepositoryUnreachable, UnknownLabel, CommitSettingsInvalid, Unavailable]


def test_the_subject_is_read_if_the_commit_may_be_built_ahead(
    submitted: "queue.SimpleQueue[events.Event]",
) -> None:
    refs = FakeRefs()
    refs.put("shop", A, A, kind="commit")
    reader = ManifestReader(refs, submitted.put)
    warm = dataclasses.replace(APP, warm="pulls")
    for app, sha in ((APP, A), (warm, A), (warm, B)):
        reader.read(app, sha)
    read = [submitted.get() for _ in range(3)]
    assert [one.subject for one in read if isinstance(one, events.SettingsRead)] == [
        "",
        "Say hello",
        "",
    ]


def test_jobs_are_read_and_checked_but_not_submitted_for_a_preview(
    submitted: "queue.SimpleQueue[events.Event]",
) -> None:
    refs = FakeRefs()
    put(refs, "port = 8000\n[jobs.report]\ncommand = ['report']\n")
    put(refs, "port = 8000\n[jobs.report]\nmem = 4096\n", sha=B)
    found = read_manifest(refs, APP, A)
    assert isinstance(found, Manifest)
    assert found.jobs == {"report": JobSettings(("report",))}
    reader = ManifestReader(refs, submitted.put)
    reader.read(APP, A)
    reader.read(APP, B)
    good, wrong = submitted.get(), submitted.get()
    assert isinstance(good, events.SettingsRead)
    assert good.outcome == CommitSettings(port=8000, watch=WATCH)
    assert isinstance(wrong, events.SettingsRead)
    assert isinstance(wrong.outcome, Failure)
    assert wrong.outcome.message == f"{PATH} has 2 mistakes, in lines 2 and 3."
