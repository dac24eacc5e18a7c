"""Attaches to a job: shows why it waits, prints its output, and cancels it at a second Ctrl-C."""

import contextlib
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import NamedTuple

from cli.client.event_streams import Gap, OutputPiece
from cli.client.generated.records import Job
from cli.command_context import CommandContext
from cli.display import job_sentences as sentences
from cli.display.output import LogPrinter, note
from cli.display.progress import WaitingLine, waiting_line
from cli.errors import ApiRefused, CliError, NotDone
from cli.jobs.job_stream import JobEnded, LogPart, NextAttempt, Update, follow
from prevs.log_split import LogSplit, Parts

_TAIL = 20
"""Lines of a build to show if the command never begins."""
_CONFLICT = 409


class Message(NamedTuple):
    """Something about the connection."""

    text: str


class Interrupt(NamedTuple):
    """Somebody has pressed Ctrl-C."""


class StreamOver(NamedTuple):
    """Nothing more comes, because of an `error` if there is one."""

    error: CliError | None = None


News = Update | Message | Interrupt | StreamOver
Put = Callable[[News], None]


class AttachedResult(NamedTuple):
    """A job that has ended, and the last lines before its command if those were not printed."""

    job: Job
    build_tail: str


def attach(context: CommandContext, job: Job, *, verbose: bool) -> AttachedResult:
    """Print what a job writes to stdout and stderr there as it comes, until it ends; return it.

    All else goes to stderr: what is missing, what it waits for, and with `verbose` the build. The
    first Ctrl-C tells that a second one cancels the job; a third one raises KeyboardInterrupt.
    Raises CliError.
    """
    news: SimpleQueue[News] = SimpleQueue()
    reader = threading.Thread(target=_read, args=(context, job, news.put), daemon=True)
    with waiting_line() as line, _interrupts(news.put):
        attendant = _Attached(context, job, line, verbose=verbose)
        reader.start()
        while attendant.take(news.get()):
            pass
    return AttachedResult(attendant.job, attendant.build_tail)


def _read(context: CommandContext, job: Job, put: Put) -> None:
    """Put the updates of a job. Runs on a thread of its own, with connections of its own."""
    error: CliError | None = None
    try:
        with contextlib.closing(context.connect()) as api:

            def notify(text: str) -> None:
                put(Message(text))

            updates = follow(api, job["app"], job["id"], pause=context.pause, notify=notify)
            for update in updates:
                put(update)
    except CliError as exc:
        error = exc
    finally:
        put(StreamOver(error))


@contextlib.contextmanager
def _interrupts(put: Put) -> Iterator[None]:
    """Put each Ctrl-C instead of raising KeyboardInterrupt; where they are ignored, they stay so.

    SimpleQueue.put may be called in the handler of a signal.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        yield
        return
    signal.signal(signal.SIGINT, lambda _number, _frame: put(Interrupt()))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class _Attached:
    """What is known and was printed so far."""

    def __init__(
        self, context: CommandContext, job: Job, line: WaitingLine, *, verbose: bool
    ) -> None:
        self.job = job
        self._context = context
        self._line = line
        self._verbose = verbose
        self._output = LogPrinter()
        self._errors = LogPrinter(err=True)
        self._has_errors = False
        self._build = LogPrinter(err=True)
        self._split = LogSplit()
        self._tail: deque[str] = deque(maxlen=_TAIL)
        self._interrupts = 0
        self._show()

    @property
    def build_tail(self) -> str:
        """The last lines before the command, "" if they were printed."""
        return "" if self._verbose else "".join(self._tail)

    def take(self, news: News) -> bool:
        """Print what is new. Return whether more is to come."""
        match news:
            case LogPart(text, end):
                self._print(self._split.feed(text, end, runs=self.job["began"] is not None))
            case OutputPiece(source, data):
                self._pass_on(source, data)
            case Gap(text):
                self._tell(f"{text[:1].upper()}{text[1:]}.")
            case NextAttempt():
                self._begin_again()
            case Message(text):
                self._tell(text)
            case Interrupt():
                self._interrupt()
            case StreamOver(error):
                raise error or NotDone("The updates of the job have ended early.")
            case _:
                self.job = news.job
                self._show()
        if isinstance(news, JobEnded):
            self._print(self._split.finish())
            self._output.end()
            if self._has_errors:
                self._errors.end()
            return False
        return True

    def _show(self) -> None:
        if self.job["ended"] is None and self.job["state"] != "running":
            self._line.show(f"{sentences.title(self.job)} {sentences.progress(self.job)}")
        else:
            self._line.clear()

    def _print(self, parts: Parts) -> None:
        if parts.around:
            self._tail.extend(parts.around.splitlines(keepends=True))
            if self._verbose:
                self._line.clear()
                self._build.print(parts.around)
        if parts.output:
            self._line.clear()
            self._output.print(parts.output)

    def _pass_on(self, source: str, data: bytes) -> None:
        """Print the command's output to the stream that it wrote to; hand on prevs's own lines."""
        if source == "prevs":
            self._print(Parts(around=data.decode("utf-8", "replace")))
            return
        self._line.clear()
        self._has_errors |= source == "stderr"
        (self._errors if source == "stderr" else self._output).print_bytes(data)

    def _begin_again(self) -> None:
        self._print(self._split.finish())
        self._tell("Another attempt begins, with an output of its own.")
        self._split = LogSplit()
        self._tail.clear()

    def _tell(self, text: str) -> None:
        self._line.clear()
        self._output.note(text)

    def _interrupt(self) -> None:
        self._line.clear()
        self._output.leave_line()
        self._interrupts += 1
        app, job_id = self.job["app"], self.job["id"]
        if self._interrupts == 1:
            self._tell(
                "The job goes on. Press Ctrl-C again to cancel it; "
                f"`prevs job cancel {app} {job_id}` does that later."
            )
        elif self._interrupts == 2:
            self._cancel()
        else:
            note(f"`prevs job show {app} {job_id}` shows what becomes of it.")
            raise KeyboardInterrupt

    def _cancel(self) -> None:
        app, job_id = self.job["app"], self.job["id"]
        try:
            self._context.api.cancel_job(app, job_id)
        except CliError as exc:
            if isinstance(exc, ApiRefused) and exc.problem.http_status == _CONFLICT:
                return  # it has ended meanwhile
            self._interrupts = 1
            self._tell(f"It is not cancelled: {exc} Press Ctrl-C again to try that again.")
        else:
            self._tell("It is being cancelled. Press Ctrl-C again to leave it before it has ended.")
