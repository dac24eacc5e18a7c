"""The promises of prevs, each a function of a history that returns what breaks it. Pure.

A finding names the operations by their numbers, so that they are found in the file of the history.
"""

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from tests.chaos.history import (
    Fault,
    History,
    JobSeen,
    Left,
    Look,
    Name,
    Operation,
    Order,
    Outcome,
    Read,
    Recovery,
    Terms,
    TimeSeen,
    Visit,
    Write,
    pick,
)

_ENDED = frozenset({"succeeded", "failed", "cancelled"})


def check(history: History) -> list[str]:
    """Return everything that breaks a promise: one sentence each."""
    terms = next((what for _, what in pick(history, Terms)), Terms())
    promises: Sequence[Callable[[History, Terms], Iterable[str]]] = (
        writes_survive,
        no_job_is_lost,
        once_never_starts_twice,
        each_order_is_one_job,
        no_time_is_doubled,
        only_named_commits_answer,
        no_address_goes_back,
        each_commit_answers_its_own_page,
        nothing_guarded_is_shown,
        clients_stay_at_their_target,
        no_more_run_than_may,
        one_attempt_is_routed,
        all_answer_again,
        nothing_is_left,
    )
    return [f"{one.__name__}: {why}" for one in promises for why in one(history, terms)]


def writes_survive(history: History, terms: Terms) -> Iterator[str]:
    """Every acknowledged write survives: a read returns it, or what was written after it began.

    A write of unknown outcome may happen at any later time.
    """
    writes = defaultdict(list)
    for write, what in pick(history, Write):
        if write.outcome is not Outcome.REFUSED:
            writes[what.register].append((write, what.value))
    for read, found in pick(history, Read):
        if read.outcome is not Outcome.OK:
            continue
        known = writes[found.register]
        done = [one for one, _ in known if one.outcome is Outcome.OK and one.ended < read.began]
        allowed = {
            value
            for one, value in known
            if one.began < read.ended and not any(one.ended < other.began for other in done)
        }
        if not done:
            allowed.add("")
        if found.value not in allowed:
            yield (
                f"{read.number}: {found.register} is {found.value!r}, "
                f"and may be {sorted(allowed)} after {_numbers(done[-3:])}"
            )


def no_job_is_lost(history: History, terms: Terms) -> Iterator[str]:
    """Each job whose order was acknowledged has ended, and one that has succeeded has run."""
    seen = {what.job: what for _, what in pick(history, JobSeen)}
    for order, what in pick(history, Order):
        if order.outcome is not Outcome.OK:
            continue
        job = seen.get(what.job)
        if job is None:
            yield f"{order.number}: job {what.job} is not there"
        elif job.state not in _ENDED:
            yield f"{order.number}: job {what.job} is {job.state} in the end"
        elif job.state == "succeeded" and not job.starts:
            yield f"{order.number}: job {what.job} has succeeded and never started"


def once_never_starts_twice(history: History, terms: Terms) -> Iterator[str]:
    """A job that is to run `once` has one container at most."""
    once = {what.key for _, what in pick(history, Order) if what.once}
    for seen, what in pick(history, JobSeen):
        if what.key in once and what.starts > 1:
            yield f"{seen.number}: job {what.job} is `once` and has started {what.starts} times"


def each_order_is_one_job(history: History, terms: Terms) -> Iterator[str]:
    """An order that is repeated under its key makes one job."""
    jobs: dict[str, set[str]] = defaultdict(set)
    for order, what in pick(history, Order):
        if order.outcome is Outcome.OK:
            jobs[what.key].add(what.job)
    for _, seen in pick(history, JobSeen):
        if seen.key:
            jobs[seen.key].add(seen.job)
    for key, made in jobs.items():
        if len(made) > 1:
            yield f"the order {key} has made {sorted(made)}"


def no_time_is_doubled(history: History, terms: Terms) -> Iterator[str]:
    """A schedule makes one job at most for each of its times."""
    jobs: dict[tuple[str, float], set[str]] = defaultdict(set)
    for _, what in pick(history, TimeSeen):
        jobs[what.schedule, what.nominal].add(what.job)
    for (schedule, nominal), made in jobs.items():
        if len(made) > 1:
            yield f"{schedule} has made {sorted(made)} for {nominal:.0f}"


def only_named_commits_answer(history: History, terms: Terms) -> Iterator[str]:
    """Who answers at an address is a commit that somebody has let it name by then."""
    names = _names(history)
    for visit, what in pick(history, Visit):
        if not what.task:
            continue
        app, commit = _origin(what.task)
        known = [name for one, name in names.get(what.host, []) if one.began < visit.ended]
        if not any(name.app == app and commit in name.commits for name in known):
            yield f"{visit.number}: {what.host} is answered by {app} at {commit[:7]}"


def no_address_goes_back(history: History, terms: Terms) -> Iterator[str]:
    """Once a proxy has answered by a later name of an address, it never answers by one before.

    A commit that several names have in common may be of any of them.
    """
    for host, named in _names(history).items():
        places = _places(named)
        by_proxy = defaultdict(list)
        for visit, what in pick(history, Visit):
            if what.host == host and (place := places.get(_origin(what.task))):
                by_proxy[what.proxy].append((visit, place))
        for proxy, visits in by_proxy.items():
            for visit, later, earlier in _backward(visits):
                yield f"{visit.number}: {proxy} leads {host} back from name {later} to {earlier}"


def each_commit_answers_its_own_page(history: History, terms: Terms) -> Iterator[str]:
    """A successful answer is the page of the commit that it says it is from."""
    for visit, what in pick(history, Visit):
        if what.status == 200 and what.task:
            page = terms.pages.get(_origin(what.task)[1])
            if page is not None and page != what.page:
                yield f"{visit.number}: {what.task} has answered {what.page!r}, not {page!r}"


def nothing_guarded_is_shown(history: History, terms: Terms) -> Iterator[str]:
    """Without a pass nobody reaches an application that is not public."""
    for visit, what in pick(history, Visit):
        if what.host in terms.guarded and not what.has_pass and (what.task or what.status == 200):
            shown = f"{what.status} of {what.task or 'nobody'}"
            yield f"{visit.number}: {what.host} is shown without a pass: {shown}"


def clients_stay_at_their_target(history: History, terms: Terms) -> Iterator[str]:
    """A client of a gate whose weights do not change is always led to the same commit."""
    first: dict[tuple[str, str], tuple[int, str]] = {}
    for visit, what in pick(history, Visit):
        if what.host not in terms.sticky or not what.task:
            continue
        commit = _origin(what.task)[1]
        number, usual = first.setdefault((what.host, what.lot), (visit.number, commit))
        if commit != usual:
            yield (
                f"{visit.number}: {what.host} leads client {what.lot} to {commit[:7]}, "
                f"in {number} to {usual[:7]}"
            )


def no_more_run_than_may(history: History, terms: Terms) -> Iterator[str]:
    """At no moment more previews of an app have a task than its setting says."""
    for look, what in pick(history, Look):
        for app, count in what.with_task.items():
            if count > terms.limits.get(app, count):
                yield f"{look.number}: {count} previews of {app} have a task"


def one_attempt_is_routed(history: History, terms: Terms) -> Iterator[str]:
    """A preview has one route at most, and a proxy never returns to an attempt that it has left."""
    for look, seen in pick(history, Look):
        routes = [(app, commit) for app, commit, _ in seen.routes]
        for app, commit in sorted({one for one in routes if routes.count(one) > 1}):
            yield f"{look.number}: {app} at {commit[:7]} has {routes.count((app, commit))} routes"
    attempts = defaultdict(list)
    for visit, what in pick(history, Visit):
        if what.task:
            attempts[what.proxy, _origin(what.task)].append((visit, what.task))
    for (proxy, _), visits in attempts.items():
        order = {task: n for n, task in enumerate(dict.fromkeys(task for _, task in visits))}
        spans = [(visit, (order[task], order[task])) for visit, task in visits]
        for visit, _, earlier in _backward(spans):
            task = next(task for task, n in order.items() if n == earlier)
            yield f"{visit.number}: {proxy} leads back to {task}"


def all_answer_again(history: History, terms: Terms) -> Iterator[str]:
    """After the last fault every address answers as it should, within the time of the terms."""
    for recovery, what in pick(history, Recovery):
        took = recovery.ended - recovery.began
        if recovery.outcome is not Outcome.OK:
            yield f"{recovery.number}: {what.host} does not answer again"
        elif took > terms.within:
            yield f"{recovery.number}: {what.host} answers again after {took:.0f} s"


def nothing_is_left(history: History, terms: Terms) -> Iterator[str]:
    """Nothing is orphaned, and every fault was undone."""
    for left, what in pick(history, Left):
        if what.names:
            yield f"{left.number}: left {what.kind}: {', '.join(what.names)}"
    for fault, begun in pick(history, Fault):
        if fault.outcome is not Outcome.OK:
            yield f"{fault.number}: {begun.name} of {begun.target} was not undone"


def _names(history: History) -> Mapping[str, list[tuple[Operation, Name]]]:
    """Return what each address has named, in order."""
    found = defaultdict(list)
    for operation, what in pick(history, Name):
        if operation.outcome is not Outcome.REFUSED:
            found[what.host].append((operation, what))
    return found


def _origin(task: str) -> tuple[str, str]:
    """Return the app and the commit of a task."""
    app, commit, *_ = [*task.split("."), ""]
    return app, commit


def _places(
    named: Sequence[tuple[Operation, Name]],
) -> Mapping[tuple[str, str], tuple[int, int]]:
    """Return the first and the last of an address's names that each commit belongs to."""
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for number, (_, name) in enumerate(named):
        for commit in name.commits:
            first, _ = found.get((name.app, commit), (number, number))
            found[name.app, commit] = (first, number)
    return found


def _backward(
    visits: Sequence[tuple[Operation, tuple[int, int]]],
) -> Iterator[tuple[Operation, int, int]]:
    """Yield each visit, in the order of their begins, whose place is before one that had ended.

    A place is the range of what it may be. With each visit come the later place and its own.
    """
    by_end = sorted(visits, key=lambda one: one[0].ended)
    seen, latest = iter([*by_end, None]), -1
    following = next(seen)
    for visit, (_, last) in visits:
        while following is not None and following[0].ended < visit.began:
            latest, following = max(latest, following[1][0]), next(seen)
        if last < latest:
            yield visit, latest, last


def _numbers(operations: Iterable[Operation]) -> str:
    return ", ".join(str(one.number) for one in itertools.islice(operations, 3)) or "none"
