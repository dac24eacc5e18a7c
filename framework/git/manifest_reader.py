"""Threads that read the settings of commits (.prevs.toml) from the mirrors, for the service."""

import functools
import posixpath
import threading
from collections.abc import Callable, Collection

import structlog

from framework import events
from framework.apps import description, effective_settings
from framework.apps.commit_files import CommitFiles
from framework.apps.description import NotDescribed
from framework.apps.effective_settings import find_warm
from framework.apps.manifest import InvalidManifest, Manifest
from framework.apps.recipes import OFFICIAL, BaseImages
from framework.errors import FrameworkError, Unavailable, UnknownLabel
from framework.git.files import MirroredFiles
from framework.jobs import leads
from framework.jobs.leads import Lead
from framework.ports import Repositories
from prevs.commit_settings import FILE
from prevs.records import AppRecord, Failure, Mistake
from prevs.states import Cause

log = structlog.get_logger(__name__)

WORKERS = 4
"""How many repositories are read at a time. A fetch that must come first holds one thread."""
MOST_MISTAKES = 20
_LONGEST = 400


class ManifestReader:
    """Reads the settings of commits, never two of one app at a time. Thread safe."""

    def __init__(
        self,
        refs: Repositories,
        submit: Callable[[events.Event], None],
        images: BaseImages = OFFICIAL,
    ) -> None:
        self._refs = refs
        self._submit = submit
        self._images = images
        self._changed = threading.Condition()
        self._requested: dict[str, list[Callable[[], None]]] = {}
        self._busy: set[str] = set()
        self._ended = False

    def start(self) -> None:
        """Start the threads."""
        for _ in range(WORKERS):
            # Daemons: git may hold one for minutes when the program ends.
            threading.Thread(target=self._work, name="reading", daemon=True).start()

    def stop(self) -> None:
        """Stop the threads once git no longer runs. Does not wait for that."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def begin(self, app: AppRecord, sha: str, given: Collection[str] | None = None) -> None:
        """Read a commit's settings soon, and then submit events.SettingsRead. Does not block.

        `given` are the names of the app's variables, None if they are not known.
        """
        self._request(app, functools.partial(self.read, app, sha, given))

    def begin_lead(self, app: AppRecord, label: str) -> None:
        """Find soon where a label leads, and then submit events.LeadFound. Does not block."""
        self._request(app, functools.partial(self.read_lead, app, label))

    def read(self, app: AppRecord, sha: str, given: Collection[str] | None = None) -> None:
        """Read a commit's settings now, and submit the outcome."""
        try:
            found = read_manifest(self._refs, app, sha, self._images, given=given)
            outcome = found.settings if isinstance(found, Manifest) else found
        except Exception:
            # Every request needs an outcome: the service sends no second one meanwhile.
            log.exception("the settings of a commit cannot be read", app=app.name, commit=sha[:12])
            outcome = Failure(
                Cause.EXECUTOR_FAILED, f"{FILE} could not be read because of a defect in prevs."
            )
        key, subject = effective_settings.settings_key(app), self._read_subject(app, sha)
        self._submit(events.SettingsRead(app.name, sha, key, outcome, subject))

    def read_lead(self, app: AppRecord, label: str) -> None:
        """Find now where a label leads, and submit the outcome."""
        try:
            outcome = find_lead(self._refs, app, label, self._images)
        except Exception:
            log.exception("no commit of a label can be found", app=app.name, label=label)
            outcome = Unavailable("The framework")
        key = effective_settings.settings_key(app)
        self._submit(events.LeadFound(app.name, label, key, outcome))

    def _request(self, app: AppRecord, act: Callable[[], None]) -> None:
        with self._changed:
            self._requested.setdefault(app.name, []).append(act)
            self._changed.notify()

    def _read_subject(self, app: AppRecord, sha: str) -> str:
        """Return a commit's subject if it may be built ahead; "" if it cannot be read."""
        if find_warm(app) == "off":
            return ""
        try:
            return self._refs.resolve(app, sha).subject
        except FrameworkError as error:
            log.info("no subject is read", app=app.name, commit=sha[:12], why=str(error))
        except Exception:
            log.exception("a subject cannot be read", app=app.name, commit=sha[:12])
        return ""

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._ended or self._next() is not None)
                name = self._next()
                if self._ended or name is None:
                    return
                act = self._requested[name].pop(0)
                if not self._requested[name]:
                    del self._requested[name]
                self._busy.add(name)
            act()
            with self._changed:
                self._busy.discard(name)
                self._changed.notify()

    def _next(self) -> str | None:
        return next((name for name in self._requested if name not in self._busy), None)


def find_lead(
    refs: Repositories, app: AppRecord, label: str, images: BaseImages = OFFICIAL
) -> Lead | FrameworkError:
    """Return where a label leads now, or why that cannot be told. Blocks as `refs` does."""
    try:
        resolved = refs.resolve(app, label, fresh=True)
    except FrameworkError as error:
        return error
    if resolved.problem:
        failure = Failure(Cause.REPOSITORY_UNREACHABLE, resolved.problem)
        return leads.refuse(app, label, failure)
    read = read_manifest(refs, app, resolved.sha, images)
    if isinstance(read, Failure):
        return leads.refuse(app, label, read)
    return Lead(label, resolved.sha, resolved.refs, read)


def read_manifest(
    refs: Repositories,
    app: AppRecord,
    sha: str,
    images: BaseImages = OFFICIAL,
    *,
    given: Collection[str] | None = None,
) -> Manifest | Failure:
    """Return what a commit says, or why it cannot be used. Blocks as `refs` does.

    `images` are the base images of recipes, `given` the names of the app's variables, None if they
    are not known.
    """
    try:
        asked = description.Asked(images, given=given)
        return description.read(open_files(refs, app, sha), app, asked).manifest
    except NotDescribed as error:
        return Failure(Cause.DOCKERFILE_MISSING, str(error))
    except InvalidManifest as error:
        return _invalid(_place(app, error.compose or FILE), error.mistakes)
    except UnknownLabel:
        message = f"The commit {sha[:12]} is no longer in the repository."
        return Failure(Cause.COMMIT_MISSING, message)
    except FrameworkError as error:
        return Failure(Cause.REPOSITORY_UNREACHABLE, str(error))


def open_files(refs: Repositories, app: AppRecord, sha: str) -> CommitFiles:
    """Return the files of a commit of an app, from its folder on. They block as `refs` does."""
    return MirroredFiles(
        app.folder,
        functools.partial(refs.read_file, app, sha),
        functools.partial(refs.list_folder, app, sha),
    )


def _place(app: AppRecord, path: str) -> str:
    """Return the path from the repository's root of a path from the app's folder on."""
    return posixpath.normpath(posixpath.join(app.folder, path))


def _invalid(path: str, mistakes: tuple[Mistake, ...]) -> Failure:
    lines = list(dict.fromkeys(one.line for one in mistakes))
    if len(mistakes) == 1:
        message = f"{path} has a mistake in line {lines[0]}."
    else:
        where = f"lines {_enumerate(lines)}" if len(lines) > 1 else f"line {lines[0]}"
        message = f"{path} has {len(mistakes)} mistakes, in {where}."
    shown = [Mistake(one.line, one.message[:_LONGEST]) for one in mistakes[:MOST_MISTAKES]]
    return Failure(Cause.SETTINGS_INVALID, message, mistakes=tuple(shown))


def _enumerate(lines: list[int]) -> str:
    shown = [str(line) for line in lines[:MOST_MISTAKES]]
    more = len(lines) - len(shown)
    last = f"{more} more" if more else shown.pop()
    return f"{', '.join(shown)} and {last}"
