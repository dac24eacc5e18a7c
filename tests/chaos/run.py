"""One run: the cluster with its apps and clients, the faults, and what is there in the end."""

import contextlib
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import requests

from prevs import names
from tests.chaos import clients, faults
from tests.chaos.api import Api, NoAnswer, Refused
from tests.chaos.clients import Address, Client, Orderer, Pusher, Watcher, Writer
from tests.chaos.history import (
    Fault,
    JobSeen,
    Left,
    Name,
    Outcome,
    Read,
    Recorder,
    Recovery,
    Terms,
    TimeSeen,
    Write,
)
from tests.chaos.parts import PROXY_PORTS
from tests.chaos.plan import Strike
from tests.chaos.world import World
from tests.faults.job_group import count_starts
from tests.faults.sites import Site

_BRANCHES: Mapping[str, int] = {"site": 4, "inner": 1, "few": 4, "works": 1, "book": 1}
_FEW = 2
"""Previews that `few` may have at a time, of four that are visited."""
_LOTS = ("0001", "2500", "4999", "5000", "7500", "9999")
_ORDERS = 5.0
"""Seconds between two jobs. In an hour this makes 720; an app keeps a thousand ended ones."""
_PASSES = 9.0
"""Seconds between two passes: an app may have 500."""
_ENDED = frozenset({"succeeded", "failed", "cancelled"})
_SET_UP = 300.0
"""Seconds until everything has been built for the first time."""
_PATIENCE = 3
"""How many times the time of the terms a run waits for what is to happen: so it measures."""

Say = Callable[[str], None]


class Run:
    """One run in `world`, which is up; what is seen goes to `recorder`."""

    def __init__(self, world: World, recorder: Recorder, say: Say, within: float) -> None:
        self._world = world
        self._recorder = recorder
        self._say = say
        self._within = within
        self._sites = {
            app: Site(world.repositories / app, app, count) for app, count in _BRANCHES.items()
        }
        self._api = Api(world.settings)
        self._clients: list[Client] = []
        self._changing: list[Client] = []
        self._addresses: list[Address] = []
        self._pusher = Pusher(recorder, Api(world.settings), self._sites["site"], "b01")
        self._orderer = Orderer(
            recorder, Api(world.settings), "works", self._sites["works"].commit("b01")
        )
        self._healed = 0.0
        self._named: dict[str, Sequence[str]] = {}
        self._writer = Writer(recorder, Api(world.settings), "book", "inner")

    def go(self, plan: Sequence[Strike], seconds: float) -> None:
        """Do all of it, with faults for `seconds`."""
        self._set_up()
        self._begin()
        self._world.still, self._world.issue_passes = self._still, self._issue_pass
        self._strike(plan, seconds)
        self._say("The last fault is undone.")
        self._recover()
        self._remove()

    # before the faults

    def _set_up(self) -> None:
        """Register the apps, make gates, a stack and a schedule, and begin to visit."""
        for app in _BRANCHES:
            most = {"max_previews": _FEW} if app == "few" else {}
            self._must("POST", "/v1/apps", name=app, mem=32, idle_after=60,
                       repository=self._world.repository(app), **most)  # fmt: skip
        for label in ("b01", "b04"):
            self._name(self._host(label, "site"), "site", self._sites["site"].commit(label))
        self._addresses += [Address(self._host(label, "site")) for label in ("b01", "b04")]
        self._set_up_guarded()
        self._set_up_gates()
        self._set_up_stack()
        for label in self._sites["few"].labels:
            self._name(self._host(label, "few"), "few", self._sites["few"].commit(label))
        schedule = {"label": "b01", "every": 60, "command": ["/bin/busybox", "true"]}
        self._must("PUT", "/v1/apps/works/schedules/minutely", **schedule)

    def _set_up_guarded(self) -> None:
        self._must("PUT", "/v1/apps/inner/access", access="password", password="correct horse")
        host = self._host("b01", "inner")
        self._name(host, "inner", self._sites["inner"].commit("b01"))
        self._invited, self._stranger = Address(host), Address(host)
        self._addresses.append(self._invited)
        self._issue_pass()

    def _issue_pass(self) -> None:
        """Give who is invited another pass."""
        made = self._must("POST", "/v1/apps/inner/passes", kind="machine")
        self._invited.headers = {"X-Prevs-Access": made["text"]}

    def _set_up_gates(self) -> None:
        site = self._sites["site"]
        first = site.commit("b01")
        self._must("PUT", "/v1/gates/door", app="site", keep=True, rules=clients.rules(first))
        two = (site.commit("b02"), site.commit("b03"))
        rules = clients.rules(*two, sticky=True)
        self._must("PUT", "/v1/gates/wheel", app="site", keep=True, rules=rules)
        self._name(self._gate("door"), "site", first)
        self._name(self._gate("wheel"), "site", *two)
        self._addresses += [Address(self._gate("door")), Address(self._gate("wheel"), lots=_LOTS)]
        self._recorder.note("set up", Write("gate wheel", str(two)))

    def _set_up_stack(self) -> None:
        site = self._sites["site"]
        members = {"web": {"app": "site", "label": "b02"}, "work": {"app": "works", "label": "b01"}}
        self._must("PUT", "/v1/stacks/shop", entry="web", members=members)
        opened = self._must("POST", "/v1/stacks/shop/variants", ref="b03", own=["web"])
        self._recorder.note("set up", Write("stack shop", "b03"))
        usual = self._must("GET", "/v1/stacks/shop")
        entry, variant = (Address(urlsplit(one["url"]).netloc) for one in (usual, opened))
        self._name(entry.host, "site", site.commit("b02"))
        self._name(variant.host, "site", self._instance(variant))
        self._addresses += [entry, variant]

    def _instance(self, variant: Address) -> str:
        """Return the id of a variant's own preview, which is no commit's; a visit makes it."""

        def find() -> str | None:
            url = f"http://127.0.0.1:{PROXY_PORTS['proxy']}"
            requests.get(url, headers={"Host": variant.host, "Prefer": "wait=5"}, timeout=20)
            listed = self._must("GET", "/v1/previews?app=site")["previews"]
            return next((str(one["sha"]) for one in listed if one["sha"] != one["commit"]), None)

        found: str = self._world.wait_for(find, "the variant has an instance")
        return found

    def _begin(self) -> None:
        """Wait until every address is answered, then start the clients."""
        silent = self._wait_answered(_SET_UP)
        assert not silent, [one.host for one in silent]
        recorder, world = self._recorder, self._world
        watcher = Watcher(recorder, world.observer)
        host, door = self._host("b01", "site"), self._gate("door")
        few = [Address(self._host(label, "few")) for label in self._sites["few"].labels]
        for address in [*self._addresses, self._stranger]:
            self._add(address.host, 0.5, partial(address.visit, recorder))
        for address in few:
            self._change(address.host, 5.0, partial(address.visit, recorder))
        self._change("writer", 0.5, self._writer.write_variable)
        self._change("issuer", _PASSES, self._writer.issue_pass)
        self._change("orderer", _ORDERS, self._orderer.order)
        self._change("pusher", 20.0, lambda: self._pusher.push(host))
        self._change("switcher", 5.0, lambda: self._pusher.switch("door", door))
        self._add("watcher", 2.0, watcher.look)
        for client in self._clients:
            client.start()

    def _add(self, name: str, seconds: float, once: Callable[[], object]) -> None:
        self._clients.append(Client(name, seconds, once))

    def _change(self, name: str, seconds: float, once: Callable[[], object]) -> None:
        """Add a client whose requests change something."""
        self._add(name, seconds, once)
        self._changing.append(self._clients[-1])

    @contextlib.contextmanager
    def _still(self) -> Iterator[bool]:
        """Let nobody change anything meanwhile; yield whether all that was asked for is done."""
        with contextlib.ExitStack() as stack:
            for client in self._changing:
                stack.enter_context(client.turn)
            deadline = time.monotonic() + self._within
            silent = self._wait_answered(self._within)
            jobs = self._wait_jobs(deadline)
            is_still = not silent and all(job["state"] in _ENDED for job in jobs)
            self._say("all clients are still" if is_still else "not settled: no backup")
            yield is_still

    # the faults

    def _strike(self, plan: Sequence[Strike], seconds: float) -> None:
        """Let the faults happen in their order, and undo all; end after `seconds`.

        On a slow machine a fault takes longer, and what follows comes later: in the same order.
        """
        began, late = time.monotonic(), 0.0
        open_faults: list[tuple[float, Callable[[], None]]] = []
        for number, strike in enumerate(plan):
            late += self._wait_for(began + late + strike.at, open_faults)
            if time.monotonic() - began > seconds:
                self._say(f"The time is over: {number} of {len(plan)} faults have happened.")
                break
            now = time.monotonic()
            took, undo = self._begin_fault(strike, now - began)
            late += took
            open_faults = [(at + took, one) for at, one in open_faults]
            open_faults.append((now + took + strike.seconds, undo))
        self._wait_for(None, open_faults)
        self._healed = time.monotonic()

    def _begin_fault(self, strike: Strike, at: float) -> tuple[float, Callable[[], None]]:
        what = Fault(strike.name, strike.target)
        self._say(f"{at:6.1f} s  {strike.name} {strike.target}, {strike.seconds:.1f} s")
        number = self._recorder.begin("chaos", what)
        began = time.monotonic()
        undo = faults.begin(self._world, strike)

        def end() -> None:
            undo()
            self._recorder.end(number, Outcome.OK, what)

        return time.monotonic() - began, end

    @staticmethod
    def _wait_for(
        moment: float | None, open_faults: list[tuple[float, Callable[[], None]]]
    ) -> float:
        """Wait for a moment, None for the end of all faults, and undo what ends until then.

        Returns how many seconds too late it is.
        """
        for at, undo in sorted(open_faults, key=lambda one: one[0]):
            if moment is None or at <= moment:
                time.sleep(max(0.0, at - time.monotonic()))
                undo()
                open_faults.remove((at, undo))
        if moment is None:
            return 0.0
        time.sleep(max(0.0, moment - time.monotonic()))
        return time.monotonic() - moment

    # after the faults

    def _recover(self) -> None:
        """Wait until everything answers again and every job has ended, then read what was written.

        What does not happen in time is left to the checker.
        """
        for client in self._clients:
            client.stop()
        self._wait_answered(self._within * _PATIENCE)
        for client in self._clients:
            client.join(600)
            if client.failure is not None:
                raise client.failure
        self._read_jobs()
        self._read_writes()
        self._recorder.note("run", self._terms())

    def _wait_answered(self, limit: float) -> list[Address]:
        """Wait until every address answers by what it names last; return those that do not.

        After the faults it is written down how long that takes.
        """
        began = self._healed or time.monotonic()
        begun = {
            one: self._recorder.begin("run", Recovery(one.host), at=began) if self._healed else 0
            for one in self._addresses
        }
        while begun and time.monotonic() < began + limit:
            for address in [*begun]:
                wanted = self._wanted(address)
                answers = address.visit(self._recorder)
                if all(one.status == 200 and one.task.split(".")[1] in wanted for one in answers):
                    number = begun.pop(address)
                    if self._healed:
                        self._recorder.end(number, Outcome.OK, Recovery(address.host))
                    self._say(f"{address.host} answers after {time.monotonic() - began:.1f} s")
            time.sleep(0.5)
        for address in begun:
            self._say(f"{address.host} does not answer: {address.visit(self._recorder)}")
        return [*begun]

    def _wanted(self, address: Address) -> Collection[str]:
        """Return the commits of which one has to answer at an address in the end."""
        if address.host == self._gate("door"):
            with contextlib.suppress(NoAnswer, Refused):
                rules = self._api.call("GET", "/v1/gates/door")["rules"]
                return [target["label"] for rule in rules for target in rule["to"]]
            return ()
        if address.host == self._host("b01", "site"):
            return (self._sites["site"].commit("b01"),)
        return self._named[address.host]

    def _read_jobs(self) -> None:
        """Write down all jobs, once they have ended or have had their time."""
        listed = self._wait_jobs(time.monotonic() + self._within * _PATIENCE)
        starts = count_starts(self._world.folder, self._orderer.group)
        for job in listed:
            key = job["command"][-1]
            seen = JobSeen(job["id"], key, job["state"], starts[int(key.rpartition("-")[2])])
            self._recorder.note("run", seen)
        for job in self._list("works", "&schedule=minutely"):
            if job["nominal"] is not None:
                self._recorder.note("run", TimeSeen("minutely", job["nominal"], job["id"]))

    def _wait_jobs(self, deadline: float) -> list[Mapping[str, Any]]:
        """Return all jobs that were ordered, once they have ended or it is too late."""
        while True:
            listed = self._list("works", f"&group={self._orderer.group}")
            if all(job["state"] in _ENDED for job in listed) or time.monotonic() > deadline:
                return listed
            time.sleep(1)

    def _list(self, app: str, query: str) -> list[Mapping[str, Any]]:
        listed: list[Mapping[str, Any]] = []
        after = ""
        while True:
            page = self._must("GET", f"/v1/jobs?app={app}{query}&limit=500{after}")
            listed += page["jobs"]
            if not page.get("next"):
                return listed
            after = f"&after={page['next']}"

    def _read_writes(self) -> None:
        variables = self._must("GET", "/v1/apps/book/environment")["variables"]
        values = {one["name"]: one["value"] for one in variables}
        for name in (f"V{number}" for number in range(5)):
            self._recorder.note("reader", Read(f"book/{name}", values.get(name, "")))
        passes = {one["id"] for one in self._must("GET", "/v1/apps/inner/access")["passes"]}
        for one in self._writer.issued:
            self._recorder.note("reader", Read(f"pass {one}", "there" if one in passes else ""))
        rules = self._must("GET", "/v1/gates/wheel")["rules"]
        wheel = tuple(target["label"] for rule in rules for target in rule["to"])
        self._recorder.note("reader", Read("gate wheel", str(wheel)))
        variants = self._must("GET", "/v1/stacks/shop")["variants"]
        self._recorder.note("reader", Read("stack shop", ",".join(one["ref"] for one in variants)))

    def _terms(self) -> Terms:
        pages = {
            site.commit(label): label for site in self._sites.values() for label in site.labels
        }
        return Terms(
            guarded=(self._stranger.host,),
            sticky=(self._gate("wheel"),),
            pages=pages | self._pusher.pages,
            limits={"few": _FEW},
            within=self._within,
        )

    # in the end

    def _remove(self) -> None:
        """Remove all that was made, end all parts, and write down what is left of it."""
        for path in ("stacks/shop", "gates/door", "gates/wheel", *(f"apps/{a}" for a in _BRANCHES)):
            with contextlib.suppress(Refused):  # an earlier try has removed it
                self._must("DELETE", f"/v1/{path}")
        world, limit = self._world, self._within * _PATIENCE
        znodes = world.wait_no(lambda: world.znodes(_BRANCHES), limit)
        self._recorder.note("run", Left("znodes", znodes))
        self._recorder.note("run", Left("tasks", world.wait_no(self._tasks, limit)))
        containers = world.wait_no(lambda: [*world.observer.containers()], limit)
        self._recorder.note("run", Left("containers while it runs", containers))
        world.down()
        for kind, found in world.leftovers():
            self._recorder.note("run", Left(kind, found))

    def _tasks(self) -> list[str]:
        state = self._world.observer.mesos("/state")
        return [task["id"] for one in state["frameworks"] for task in one["tasks"]]

    def _must(self, method: str, path: str, **body: Any) -> Any:
        """Return the answer of the API, once there is one; a refusal ends the run."""
        deadline = time.monotonic() + self._within * _PATIENCE
        while True:
            try:
                return self._api.call(method, path, **body)
            except NoAnswer as exc:
                if time.monotonic() > deadline:
                    raise
                self._say(f"again: {exc}")
                time.sleep(1)

    def _name(self, host: str, app: str, *commits: str) -> None:
        self._named[host] = commits
        self._recorder.note("set up", Name(host, app, commits))

    def _host(self, label: str, app: str) -> str:
        settings = self._world.settings
        return names.host(label, app, f"{settings.domain}:{settings.port}")

    def _gate(self, name: str) -> str:
        return f"{name}.{self._world.settings.domain}:{self._world.settings.port}"
