"""What previews and builds reach at the agents, by what executors have said. Pure."""

from collections.abc import Iterator, Sequence

from cli.answers import Isolation, MesosAgent
from cli.doctor.findings import Finding, ok, skipped, warning, wrong

_MOST = 5
_DOCS = "docs/operating/isolation.md"


def judge_isolation(agents: Sequence[MesosAgent]) -> list[Finding]:
    """Return what is open at agents that are there; those that say the same are told of at once."""
    there = [agent for agent in agents if agent["active"]]
    alike: list[tuple[Isolation, list[str]]] = []
    unknown = []
    for agent in there:
        told = agent.get("isolation")
        if told is None:
            unknown.append(agent["host"])
            continue
        hosts = next((hosts for one, hosts in alike if one == told), None)
        if hosts is None:
            alike.append((told, [agent["host"]]))
        else:
            hosts.append(agent["host"])
    found = [finding for told, hosts in alike for finding in _judge(told, _join(hosts))]
    if unknown:
        told_so = (
            f"Of {_join(unknown)} it is not known: nothing has started there since the framework "
            "leads. `executor.pyz doctor` on the agent says it."
        )
        found.append(skipped("isolation", told_so))
    return found


def _judge(told: Isolation, hosts: str) -> Iterator[Finding]:
    part = f"isolation at {hosts}"
    yield _judge_previews(told, part)
    yield from _judge_builds(told, part)


def _judge_previews(told: Isolation, part: str) -> Finding:
    if told["open"]:
        said = f"Previews are not kept from the agent and from each other: {told['open']}."
        advice = (
            "Install iptables, and run executors as root or with a sudo for it that asks nothing "
            f"({_DOCS})."
        )
        if told["required"]:
            return wrong(part, f"{said} PREVS_ISOLATION is required: nothing starts there.", advice)
        return warning(part, said, f"{advice} PREVS_ISOLATION=required starts nothing without.")
    reach = "Previews reach no private network (PREVS_ALLOW)"
    if told["allowed"]:
        reach = f"Of private networks previews reach {', '.join(told['allowed'])} (PREVS_ALLOW)"
    mode = "required" if told["required"] else "wanted"
    looked = "" if told["open"] is not None else " Whether that holds nobody has looked yet."
    return ok(part, f"{reach}; PREVS_ISOLATION is {mode}.{looked}")


def _judge_builds(told: Isolation, part: str) -> Iterator[Finding]:
    if not told["builds"]:
        yield warning(
            part,
            "RUN steps of builds reach the agent and private networks.",
            "Leave out PREVS_ISOLATION_BUILDS=no where nobody else uses Docker's bridge.",
        )
    elif told["builds_open"]:
        yield warning(
            part,
            f"RUN steps of builds reach the agent and private networks: {told['builds_open']}.",
            f"What previews need is what builds need ({_DOCS}).",
        )
    if told["fetches"]:
        yield warning(
            part,
            "ADD of an address is fetched in the agent's own network.",
            "Leave out PREVS_BUILD_ADD=allowed.",
        )
    if told["builds_unlimited"]:
        yield warning(
            part,
            "RUN steps of builds may take all memory and all processes: "
            f"{told['builds_unlimited']}.",
            "Run executors as root, or start provision/systemd/prevsbuilds.slice there, or name a "
            "group of your own with limits (PREVS_BUILD_CGROUP).",
        )


def _join(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MOST])
    return f"{shown} and {len(names) - _MOST} more" if len(names) > _MOST else shown
