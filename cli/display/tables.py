"""The API's lists as tables for people."""

import re
from collections.abc import Iterable, Mapping, Sequence

from rich.table import Table
from rich.text import Text

from cli.client.generated.records import (
    App,
    Attempt,
    AuditEntry,
    Commit,
    Finding,
    Hooks,
    MesosAgent,
    Preview,
    Pull,
    Queued,
    Ref,
    ShownAccess,
    ShownCredential,
    ShownPass,
    ShownVariable,
    Token,
)
from cli.client.instances import find_commit
from cli.display import app_rows, attempts, steps
from cli.display.columns import cell, new_details, new_table, state_cell
from cli.display.sentences import (
    ago,
    clock_time,
    describe_older,
    describe_polling,
    describe_reach,
    describe_rivals,
    duration,
    notes,
    ordinal,
    progress,
    shortened,
)
from cli.display.terminal import one_line
from prevs import names

_BUILT = {"trusted", "approved"}
"""The verdicts of the gate with which a pull request's head may be built."""

_SUBJECT = 60
_DIGITS = 12
_COMMIT = re.compile(r"\b[0-9a-f]{40}\b")


def apps(listed: Iterable[App], now: float) -> Table:
    """Return a row for each app."""
    table = new_table("NAME", "REPOSITORY", cut=("PORT", "CPUS", "MEM", "MAX", "IDLE", "ADDED"))
    for app in listed:
        cells = [app["name"], app["repository"], app["port"], f"{app['cpus']:g}"]
        cells += [f"{app['mem']} MB", app["max_previews"], _idle(app), ago(app["created"], now)]
        table.add_row(*map(cell, cells))
    return table


def previews(listed: Iterable[Preview], now: float) -> Table:
    """Return a row for each preview."""
    table = new_table(
        "APP", "LABEL", "COMMIT", "STATE", "ADDRESS", cut=("SINCE", "USED"), prose="NOTES"
    )
    for preview in listed:
        state = state_cell(preview["state"])
        newest = preview["labels"][-1] if preview["labels"] else ""
        since, used = ago(preview["changed"], now), ago(preview["last_used"], now)
        cells = [preview["app"], newest, names.short(find_commit(preview)), state]
        cells.append(_address(preview["url"], preview["sha"]))
        table.add_row(*map(cell, [*cells, since, used, notes(preview)]))
    return table


def queue(listed: Iterable[Queued], now: float) -> Table:
    """Return a row for each preview that waits."""
    table = new_table("PLACE", "APP", "LABEL", "COMMIT", "SINCE", prose="REASON")
    for one in listed:
        cells = [ordinal(one["place"]), one["app"], one["label"] or ""]
        cells += [names.short(find_commit(one)), ago(one["since"], now), one["reason"]]
        table.add_row(*map(cell, cells))
    return table


def refs(listed: Iterable[Ref], states: Mapping[str, str], now: float) -> Table:
    """Return a row for each branch and tag; `states` are those of the commits' previews.

    If its label could mean other commits, it has no address of its own.
    """
    table = new_table("KIND", "NAME", "COMMIT", "STATE", "ADDRESS", cut=("AGE", "SUBJECT"))
    for ref in listed:
        sha, age = names.short(ref["sha"]), ago(ref["committed"], now)
        cells = [ref["kind"], ref["name"], sha, state_cell(states.get(ref["sha"], ""))]
        more = [ref["url"] or "", age, shortened(ref["subject"], _SUBJECT)]
        table.add_row(*map(cell, [*cells, *more]))
    return table


def pulls(listed: Iterable[Pull]) -> Table:
    """Return a row for each open pull request."""
    known = list(listed)
    stacks = ("STACK",) if any(one.get("variants") for one in known) else ()
    columns = ("NUMBER", "HEAD", "GATE", "ADDRESS", *stacks)
    table = new_table(*columns, cut=("TOLD", "AUTHOR", "FROM", "TITLE"))
    for one in known:
        title = f"{'Draft: ' if one['draft'] else ''}{one['title']}"
        cells = [one["number"], names.short(one["sha"]), one["gate"]]
        cells.append(one["url"] if one["gate"] in _BUILT else "")
        cells += [" ".join(at["url"] for at in one.get("variants", ())) for _ in stacks]
        cells.append(one.get("delivered", ""))
        cells += [shortened(one["author"], 20), "a fork" if one["fork"] else "the repository"]
        cells.append(shortened(title, _SUBJECT))
        table.add_row(*map(cell, cells))
    return table


def commits(listed: Iterable[Commit], states: Mapping[str, str], now: float) -> Table:
    """Return a row for each commit; `states` are those of the commits' previews."""
    table = new_table("COMMIT", "STATE", "ADDRESS", cut=("AGE", "AUTHOR", "SUBJECT"))
    for one in listed:
        sha, state = one["sha"], state_cell(states.get(one["sha"], ""))
        texts = [shortened(one["author"], 20), shortened(one["subject"], _SUBJECT)]
        cells = [
            names.short(sha),
            state,
            _address(one["url"], sha),
            ago(one["committed"], now),
            *texts,
        ]
        table.add_row(*map(cell, cells))
    return table


def agents(listed: Iterable[MesosAgent]) -> Table:
    """Return a row for each agent, and one for each of its previews."""
    known = list(listed)
    prose = "UNFIT" if any(agent.get("unfit") for agent in known) else ""
    table = new_table(
        "AGENT", "STATE", "CPUS", "MEM", cut=("PREVIEWS", "REACH", "ATTRIBUTES"), prose=prose
    )
    for agent in known:
        used, total = agent["used"], agent["total"]
        attributes = " ".join(f"{key}={value}" for key, value in agent["attributes"].items())
        cells = [agent["host"], _agent_state(agent)]
        cells += [f"{used['cpus']:g} of {total['cpus']:g}"]
        cells += [f"{used['mem']:g} of {total['mem']:g} MB", len(agent["previews"])]
        cells += [describe_reach(agent.get("isolation")), attributes]
        if unfit := agent.get("unfit"):
            cells.append(unfit["reason"])
        table.add_row(*map(cell, cells))
        for one in agent["previews"]:
            commit = find_commit(one)
            label = one["label"] or names.short(commit)
            named = Text(f"  {one_line(names.task_name(one['app'], label, commit))}", "dim")
            shares = [f"{one['cpus']:g}", f"{one['mem']:g} MB"]
            table.add_row(*map(cell, [named, state_cell(one["state"]), *shares]))
    return table


def _agent_state(agent: MesosAgent) -> Text:
    if not agent["active"]:
        return Text("away", "red")
    if agent.get("unfit"):
        return Text("unfit", "red")
    if agent["draining"]:
        return Text("draining", "yellow")
    planned = agent["maintenance"] is not None
    return Text("maintenance", "yellow") if planned else Text("active", "green")


def tokens(listed: Iterable[Token], now: float) -> Table:
    """Return a row for each token."""
    table = new_table("NAME", "SCOPE", "APP", "CREATED")
    for token in listed:
        cells = [token["name"], token["scope"], token.get("app") or "all"]
        table.add_row(*map(cell, [*cells, ago(token["created"], now)]))
    return table


def audit(listed: Iterable[AuditEntry]) -> Table:
    """Return a row for each entry of the audit log."""
    table = new_table("TIME", "WHO", "ACTION", "TARGET", "OUTCOME", cut=("SCOPE", "FROM"))
    for entry in listed:
        target = _COMMIT.sub(lambda found: found[0][:_DIGITS], entry["target"])
        who = [clock_time(entry["at"]), entry["who"] or "unknown", entry["action"], target]
        more = [entry["scope"] or "", entry["client"]]
        table.add_row(*map(cell, [*who, _outcome(entry["outcome"]), *more]))
    return table


def app_details(app: App, now: float, hooks: Hooks | None = None) -> Table:
    """Return an app's settings, one a row; with its `hooks`, how its repository is read."""
    return new_details(
        [
            ("name", app["name"]),
            *app_rows.list_setting_rows(app),
            ("read", describe_polling(hooks, now) if hooks else ""),
            *app_rows.list_forge(app, now),
            ("added", ago(app["created"], now)),
        ]
    )


def hook_details(hooks: Hooks, now: float) -> Table:
    """Return the address of an app's webhooks and what is known of them, one a row."""
    secret = "set; the former one is valid too" if hooks["has_former_secret"] else "set"
    return new_details(
        [
            ("address", hooks["url"]),
            ("secret", secret if hooks["has_secret"] else "none: no webhook is accepted"),
            ("repository", describe_polling(hooks, now)),
        ]
    )


def preview_details(preview: Preview, earlier: Sequence[Attempt], now: float) -> Table:
    """Return the details of a preview and its earlier attempts, one a row."""
    agent = preview["agent"]
    host = agent["host"] or agent["id"] if agent else ""
    where = f"{host}:{preview['host_port']}" if host and preview["host_port"] else host
    runs = preview["state"] == "running"
    doing = preview["reason"] if runs else progress(preview, now).removeprefix("failed: ")
    return new_details(
        [
            ("app", preview["app"]),
            ("commit", find_commit(preview)),
            ("variant", _describe_place(preview)),
            ("labels", ", ".join(preview["labels"])),
            ("state", state_cell(preview["state"])),
            ("", doing),
            *mistakes(preview),
            *_steps(preview, now),
            ("pinned", "yes" if preview["pinned"] else ""),
            *(("address", url) for url in preview["urls"] or [preview["url"]]),
            *(("service", f"{one['name']} {one['url']}") for one in preview.get("services", ())),
            *(("same", sha) for sha in reversed(preview.get("same", []))),
            ("note", describe_rivals(preview)),
            ("note", describe_older(preview)),
            *list_shares(preview),
            ("data", _describe_data(preview)),
            ("agent", where),
            ("task", preview["task_id"] or ""),
            ("since", ago(preview["changed"], now)),
            ("used", ago(preview["last_used"], now)),
            *attempts.rows(earlier, now),
        ]
    )


def _describe_place(preview: Preview) -> str:
    """Return the variant whose own instance a preview is."""
    place = preview.get("place")
    return f"{place['variant']} of the stack {place['stack']}" if place else ""


def _describe_data(preview: Preview) -> str:
    """Return the branch whose data a preview has."""
    branch = preview.get("data")
    return f"of the branch {branch}" if branch else ""


def mistakes(preview: Preview) -> Sequence[tuple[str, object]]:
    """Return the mistakes in the settings of a preview's commit, by line."""
    found = preview["failure"]
    listed = found.get("mistakes", []) if found else []
    return [(f"line {one['line']}", one["message"]) for one in listed]


def list_shares(preview: Preview) -> Sequence[tuple[str, object]]:
    """Return a preview's resources and its port, and those of each container if it has several."""
    whole = f"{_amount(preview['cpus'], preview['mem'])}, port {preview['port']}"
    each = [
        f"{one['name']}{' ' if one['image'] else ''}{one['image']}: "
        f"{_amount(one['cpus'], one['mem'])}"
        for one in preview["containers"]
    ]
    return [("runs with", whole), *(("", one) for one in each if len(each) > 1)]


def _amount(cpus: float, mem: int) -> str:
    return f"{cpus:g} CPUs, {mem} MB"


def variables(listed: Iterable[ShownVariable], now: float) -> Table:
    """Return a row for each variable; *** stands for a secret."""
    table = new_table("NAME", cut=("VALUE", "FOR", "CHANGED"))
    for one in listed:
        value = Text("***", "dim") if one["value"] is None else one["value"]
        row = [one["name"], value, _describe_scope(one), ago(one["changed"], now)]
        table.add_row(*map(cell, row))
    return table


def _describe_scope(variable: ShownVariable) -> str:
    """Return the branches, tags and uses that a variable is for."""
    tags = [f"tags {pattern}" for pattern in variable.get("tags", ())]
    commits = ", ".join([*variable.get("branches", ()), *tags]) or "all branches"
    use = {"build": ", builds only", "run": ", run time only"}.get(
        variable.get("given_for", ""), ""
    )
    return f"{commits}{use}"


def credential_details(found: ShownCredential, now: float) -> Table:
    """Return the details of a credential."""
    hosts = [line.partition(" ")[0] for line in (found["known_hosts"] or "").splitlines()]
    known = [host for host in dict.fromkeys(hosts) if host and not host.startswith("#")]
    return new_details(
        [
            ("kind", found["kind"]),
            ("username", found["username"] or ""),
            ("fingerprint", found["fingerprint"] or ""),
            ("known hosts", ", ".join(known)),
            ("changed", ago(found["changed"], now)),
        ]
    )


def access_details(found: ShownAccess) -> Table:
    """Return who may look at an app's previews."""
    who = {
        "public": "everybody",
        "password": "who has the password or a pass",
        "team": "who has a role for it, or a pass",
    }
    return new_details(
        [
            ("access", found["access"]),
            ("may look", who.get(found["access"], "")),
            ("preflight", "open to everybody" if found["preflight"] else ""),
        ]
    )


def passes(listed: Iterable[ShownPass], now: float) -> Table:
    """Return a row for each pass."""
    table = new_table("NAME", "KIND", "LABEL", "UNTIL", cut=("BY", "ISSUED"))
    for one in listed:
        cells = [one["name"], one["kind"], one["label"] or "all", clock_time(one["until"])]
        table.add_row(*map(cell, [*cells, one["by"], ago(one["created"], now)]))
    return table


def findings(found: Iterable[Finding]) -> Table:
    """Return a row for each part that was checked, with the next step."""
    table = new_table("PART", "STATE", prose="RESULT")
    states = {True: Text("works", "green"), False: Text("fails", "red"), None: Text("-", "dim")}
    for one in found:
        result = f"{one['detail']} {one['advice']}".strip()
        table.add_row(*map(cell, [one["part"], states[one["ok"]], result]))
    return table


def _steps(preview: Preview, now: float) -> Sequence[tuple[str, object]]:
    seen = [one for one in steps.view(preview, now) if one.took is not None]
    width = max((len(one.name) for one in seen), default=0)
    lines = [f"{one.name:<{width}}  {steps.describe(one)}" for one in seen]
    return [("" if number else "steps", Text(line)) for number, line in enumerate(lines)]


def _outcome(outcome: int | str) -> Text:
    refused = isinstance(outcome, int) and outcome >= 400
    return Text(one_line(str(outcome)), "red" if refused else "")


def _address(url: str, sha: str) -> str:
    """Return an address with a shorter commit: it leads to the same preview."""
    return url.replace(sha, sha[:_DIGITS])


def _idle(app: App) -> str:
    return duration(app["idle_after"]) if app["idle_after"] else "never"
