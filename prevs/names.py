"""All derived names: labels, slugs, hosts, image tags, container names and task ids.

Names are made only here and in service_names.py, so that two programs never disagree. All
functions are total: makers of names accept any text, readers of names return None for other text.

A DNS label is as in RFC 1123: 1 to 63 of a-z, 0-9 and hyphen, no hyphen first or last.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import NamedTuple

from prevs import hooks

DNS_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
APP_NAME = re.compile(r"[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?", re.ASCII)
SHA = re.compile(r"[0-9a-f]{40}", re.ASCII)
COMMIT_PREFIX = re.compile(r"[0-9a-f]{7,40}", re.ASCII)
JOB_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?", re.ASCII)
ATTEMPT = re.compile(r"[0-9a-z]{1,20}(-[1-9][0-9]{0,3})?", re.ASCII)
PORT = "PORT"
OWN_VARIABLES = "PREVS_"
"""How all variables begin that prevs sets, but PORT."""
SIGN_IN = "sign-in"
SIGNED_IN = "/_prevs/signed-in"
"""The path at the sign-in host to which an identity provider sends people back."""
_HOOKS = "hooks"
PROXIES_OWN = frozenset({SIGN_IN, _HOOKS})
"""Hosts right below the domain that are proxies' own: no gate and no landing page is there."""

_PULL = re.compile(r"pull/([0-9]{1,18})", re.ASCII)
_BRANCH_KEY = "branch:"
BRANCHES, TAGS = "heads/", "tags/"
"""What the refs of branches and of tags begin with."""
_HASH_LENGTH = 8
_LONGEST = 63
_SLUG_KEPT = _LONGEST - _HASH_LENGTH - 1
_CUT = re.compile(rf"[a-z0-9]-[0-9a-f]{{{_HASH_LENGTH}}}$", re.ASCII)


class TaskId(NamedTuple):
    """The parts of a task id: the preview (app at a commit) and the attempt."""

    app: str
    sha: str
    attempt: str


def is_label(text: str) -> bool:
    """Return whether `text` can be the first label of an address."""
    return DNS_LABEL.fullmatch(text) is not None


def is_own_variable(name: str) -> bool:
    """Return whether prevs sets the variable of this name itself."""
    return name == PORT or name.startswith(OWN_VARIABLES)


def is_app_name(text: str) -> bool:
    """Return whether `text` can name an app: a DNS label of at most 40 that starts with a letter.

    Two hyphens in a row are reserved for the flat form of an address, `<label>--<app>`.
    """
    return APP_NAME.fullmatch(text) is not None and "--" not in text


def is_job_name(text: str) -> bool:
    """Return whether `text` can name a job of an app: a DNS label of at most 40."""
    return JOB_NAME.fullmatch(text) is not None


def is_sha(text: str) -> bool:
    """Return whether `text` is a whole commit id."""
    return SHA.fullmatch(text) is not None


def is_commit_prefix(text: str) -> bool:
    """Return whether `text` may abbreviate a commit id in an address (7 to 40 hex digits)."""
    return COMMIT_PREFIX.fullmatch(text) is not None


def slug(ref: str) -> str:
    """Return the DNS label of a branch or tag name.

    A name that is a DNS label is its own slug. Any other name gets a readable part and a hash of
    the whole name, so that `feature/a` and `feature-a` have different addresses, and so do two
    long names with the same beginning.
    """
    if is_label(ref):
        return ref
    readable = re.sub(r"[^a-z0-9]+", "-", ref.lower(), flags=re.ASCII)[:_SLUG_KEPT].strip("-")
    digest = _digest(ref)[:_HASH_LENGTH]
    return f"{readable or 'ref'}-{digest}"


def pull_ref(number: int) -> str:
    """Return the ref of a pull request among those that lead to a commit."""
    return f"pull/{number}"


def find_pull(refs: Iterable[str]) -> int:
    """Return the number of the pull request among some refs of a commit; 0 if there is none."""
    return next((int(found[1]) for ref in refs if (found := _PULL.fullmatch(ref))), 0)


def pull_label(number: int) -> str:
    """Return the label of a pull request."""
    return f"pr-{number}"


def pull_labels(number: int, ref: str) -> tuple[str, ...]:
    """Return all labels of a pull request, whose head has this ref: pr-7; at GitLab mr-7 too."""
    own = pull_label(number)
    return (own, f"mr-{number}") if ref.startswith("merge-requests/") else (own,)


def short(sha: str) -> str:
    """Return the first 7 digits of a commit, as people write it."""
    return sha[:7]


def host(label: str, app: str, domain: str) -> str:
    """Return the host name at which `label` of `app` is reached."""
    return f"{label}.{app}.{domain}"


def hosts(label: str, app: str, domain: str) -> tuple[str, ...]:
    """Return the host names at which `label` of `app` is reached, as `host` makes them.

    There are two if the flat form needs a shorter label.
    """
    return tuple(host(one, app, domain) for one in dict.fromkeys((label, flat_label(label, app))))


def gate_host(gate: str, domain: str) -> str:
    """Return the host name of a gate; no label of an app has it."""
    return f"{gate}.{domain}"


def variant_name(ref: str, longest_gate: str) -> str:
    """Return the name of the variant that follows a ref: its slug, cut to fit before a gate."""
    return flat_label(slug(ref), longest_gate)


def instance_label(variant: str, gate: str) -> str:
    """Return the label of a variant's own instance of the member that has this gate.

    It is the variant's address at the gate, too: `<variant>--<gate>.<domain>`.
    """
    return f"{variant}--{gate}"


def split_instance(label: str) -> tuple[str, str]:
    """Return (variant, gate) of the label of an instance; any other label has the variant "".

    No gate's name has two hyphens in a row.
    """
    variant, _, gate = label.rpartition("--")
    return variant, gate


def instance_id(commit: str, instance: str) -> str:
    """Return the id of the preview of a commit that is this instance; it looks like a commit's."""
    return _digest(f"{instance} {commit}")[:40]


def flat_label(label: str, app: str) -> str:
    """Return the label for the flat form `<label>--<app>`, which must fit into one DNS label.

    A label that is short enough stays. A whole commit id is cut, and still means that commit. Any
    other label is cut and gets a hash of the whole label.
    """
    longest = _LONGEST - len(app) - len("--")
    if len(label) <= longest:
        return label
    if is_sha(label):
        return label[:longest]
    kept = label[: longest - _HASH_LENGTH - 1].strip("-")
    return f"{kept}-{_digest(label)[:_HASH_LENGTH]}"


def may_be_flat(label: str, app: str) -> bool:
    """Return whether `flat_label` may have cut a longer label to `label`; few others look alike."""
    longest = _LONGEST - len(app) - len("--")
    return len(label) <= longest and _CUT.search(label) is not None


def sign_in_host(domain: str) -> str:
    """Return the host name at which visitors sign in: no preview's, and no app has its name."""
    return f"{SIGN_IN}.{domain}"


def find_landing(host: str, domain: str) -> str:
    """Return the app whose landing page is at a host, unless a gate has that name; else ""."""
    app, _, rest = host.partition(".")
    return app if rest == domain and is_app_name(app) and app not in PROXIES_OWN else ""


def app_of_host(host: str) -> str:
    """Return the app in a host name that `host` made; "" for a text without dots."""
    return host.partition(".")[2].partition(".")[0]


class Addresses(NamedTuple):
    """The addresses of previews: `form` is a URL with {label} and {app} in it.

    If it has `{label}--{app}`, labels that are too long are cut (flat_label).
    """

    form: str

    def url(self, label: str, app: str, instance: str = "") -> str:
        """Return the URL of a label. An `instance` has that of its variant, at any label."""
        if instance:
            return self.gate_url(instance)
        if "{label}--{app}" in self.form:
            label = flat_label(label, app)
        return self.form.replace("{label}", label).replace("{app}", app)

    def signed_in_url(self) -> str:
        """Return the URL to which an identity provider sends people back."""
        return self.gate_url(SIGN_IN).removesuffix("/") + SIGNED_IN

    def gate_url(self, gate: str) -> str:
        """Return the URL of a gate."""
        scheme, _, rest = self.form.partition("://")
        host = rest.partition("/")[0]
        for one in ("{label}--{app}", "{label}.{app}"):
            host = host.replace(one, gate)
        return f"{scheme}://{host}/"

    @property
    def domain(self) -> str:
        """The domain below which all addresses are."""
        host = self.gate_url("").partition("://")[2].removesuffix("/")
        return host.partition(":")[0].removeprefix(".")

    def hook_url(self, app: str) -> str:
        """Return the URL to which an app's forge sends webhooks.

        Proxies take them on every host that is no preview's. The flat form's certificate covers
        names right below the domain, but not the domain itself.
        """
        scheme, _, rest = self.form.partition("://")
        host = rest.partition("/")[0]
        host = host.replace("{label}--{app}", _HOOKS).replace("{label}.{app}.", "")
        return f"{scheme}://{host}{hooks.PATH}{app}"


def addresses(domain: str, port: int) -> Addresses:
    """Return the addresses below a domain without TLS; `port` is the port that visitors use."""
    shown = "" if port == 80 else f":{port}"
    return Addresses(f"http://{host('{label}', '{app}', domain)}{shown}/")


def split_host(name: str, domain: str) -> tuple[str, str] | None:
    """Return (label, app) of a host name below `domain`, or None if it is no preview's address.

    Accepts what a client may send: any case, a port, a trailing dot. It reads both forms:
    `<label>.<app>.<domain>`, and the flat `<label>--<app>.<domain>`, which exists because a
    wildcard certificate covers only one level.
    """
    bare = re.sub(r":\d*$", "", name.lower()).removesuffix(".")
    rest = bare.removesuffix(f".{domain.lower()}")
    label, dot, app = rest.partition(".")
    if not dot:
        label, _, app = rest.rpartition("--")
    if rest == bare or not is_label(label) or not is_app_name(app):
        return None
    return label, app


def discovery_name(label: str, app: str) -> str:
    """Return the discovery name of a preview's task in Mesos: `main--hello`.

    It is one DNS label, as in the flat form of an address, so that mesos-dns leaves it unchanged.
    mesos-dns replaces dots by hyphens and cuts long names, which could make two names equal.
    """
    return slug(f"{label}--{app}")


def image_tag(
    app: str, sha: str, folder: str = "", *, trusted: bool = True, stage: str = ""
) -> str:
    """Return the tag of the image that is built from a commit of an app.

    `folder` is the app's folder in the repository: another folder gives another image. So does a
    commit that is trusted, after it was built as a stranger's. So does the `stage` of the
    Dockerfile that is built for a companion, "" for the application's.
    """
    mark = f"-{_digest(folder)[:12]}" if folder else ""
    mark += f"-to-{_digest(stage)[:12]}" if stage else ""
    return f"prevs/{app}:{sha}{mark}{'' if trusted else '-fork'}"


def pulled_repository(cluster: str | None) -> str:
    """Return the name of all images on an agent that an installation has pulled for companions.

    No app has it. Its tags have the form of commits, so no build may start from them.
    """
    return f"prevs/pulled--{_digest(cluster or '')[:8]}"


def pulled_tag(image: str, cluster: str | None, *, trusted: bool) -> str:
    """Return the tag of ours that an image has on an agent once it is pulled.

    Commits of strangers have their own: they pull without a login, so what others have pulled with
    one must not be there for them.
    """
    whose = image if trusted else f"stranger {image}"
    return f"{pulled_repository(cluster)}:{_digest(whose)[:40]}"


def task_id(app: str, sha: str, attempt: str) -> str:
    """Return the Mesos task id of an attempt; `attempt` is never used twice.

    A preview's executor has the same id: it runs no other task.
    """
    return f"{app}.{sha}.{attempt}"


def job_attempt(executor: str, number: int) -> str:
    """Return the attempt of a job that is the `number`th task of its executor, from 1 on.

    `executor` is a name that is never used twice.
    """
    return f"{executor}-{number}"


def find_number(task: str) -> int:
    """Return which task of an executor for jobs this is, from 1 on; 0 for any other task."""
    read = read_task_id(task)
    return int(read.attempt.partition("-")[2] or 0) if read else 0


def executor_id(task: str) -> str:
    """Return the Mesos id of the executor of a task.

    An executor for jobs may run several tasks of its app, of any commits: `hello.jobs.k3j9x0q2ab`.
    """
    read = read_task_id(task)
    if read is None or "-" not in read.attempt:
        return task
    return f"{read.app}.jobs.{read.attempt.partition('-')[0]}"


def sandbox_folder(task: str) -> str:
    """Return the folder of a task's output in its executor's sandbox; "" for the sandbox itself."""
    return f"jobs/{task}" if find_number(task) else ""


def read_task_id(text: str) -> TaskId | None:
    """Return the parts of a task id, or None if it is not one of ours."""
    parts = text.split(".")
    if len(parts) != 3:
        return None
    read = TaskId(*parts)
    if is_app_name(read.app) and is_sha(read.sha) and ATTEMPT.fullmatch(read.attempt):
        return read
    return None


def container_name(task: str, companion: str = "") -> str:
    """Return the name of a task's container, which reveals nothing about the task.

    With `companion` it is that of the companion of this name, and reveals nothing about it either.

    Docker's nameserver tells it to all containers of the network, by its address too; labels are
    for people. It must not begin with `mesos-`: Mesos's docker containerizer kills such containers
    when an agent recovers (docker_kill_orphans, docs/containerizers/docker.md).
    """
    return f"prevs-{_digest(f'{task} {companion}' if companion else task)[:20]}"


def network_name(task: str) -> str:
    """Return the name of the network of a task whose containers have an address each."""
    return f"prevs-own-{_digest(task)[:20]}"


def volume_owner(app: str, *, trusted: bool) -> str:
    """Return the owner's name of an app's volumes; strangers' commits have volumes of their own."""
    return app if trusted else f"{app}.fork"


def branch_key(branch: str, began: float) -> str:
    """Return what the volumes of a branch are named by; no commit's id is like it.

    Its data `began` at that time: others of its name, before or elsewhere, are not these.
    """
    return f"{_BRANCH_KEY}{branch}\0{began!r}"


def volume_name(folder: str, app: str, key: str, path: str, *, app_created: float = 0.0) -> str:
    """Return the name of the volume at `path` of a preview's containers, on one agent.

    `key` is the commit's id, or a branch_key().
    `folder` is the id of the agent's work folder, as agents may share a docker daemon.
    `app_created` (0: unknown) gives an app other volumes than a removed app of the same name.
    """
    own = (folder, app, key, path, *([repr(app_created)] if app_created else []))
    branch = key.startswith(_BRANCH_KEY) and slug(key[len(_BRANCH_KEY) :].partition("\0")[0])
    return f"prevs-{app}-{branch or short(key)}-{_digest(chr(0).join(own))[:16]}"


def task_name(app: str, label: str, sha: str) -> str:
    """Return the name of a task in the Mesos UI: `hello@main (5c80e7d)`."""
    return f"{app}@{label} ({short(sha)})"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
