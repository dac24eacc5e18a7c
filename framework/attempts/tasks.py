"""The task of an attempt, from the records and the launch that matching chose. No I/O."""

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from framework.apps import effective_settings
from framework.apps.app_secrets import AppSecrets
from framework.apps.compose.fillings import fill_in
from framework.apps.variable_scopes import GivenFor
from framework.matching.match import Launch
from framework.ports.tasks import Executor, Task
from framework.stacks.variables import find_variables
from prevs import names
from prevs.commit_settings import CommitSettings
from prevs.messages import BuildOrder, KnownProxies, PublishedService
from prevs.names import Addresses
from prevs.records import AppRecord, PreviewRecord
from prevs.service_names import service_url
from prevs.stacks import StackRecord


class Origin(NamedTuple):
    """The values that all tasks of a framework share.

    `registry`, the limits (seconds), `control_plane` and `proxies` are as in BuildOrder.
    """

    framework_id: str
    executor: Executor
    addresses: Addresses
    registry: str = ""
    fetch_limit: float = BuildOrder.fetch_limit
    build_limit: float = BuildOrder.build_limit

    @property
    def build_seconds(self) -> float:
        """How many seconds fetching and building a commit may take at most."""
        return self.fetch_limit + self.build_limit

    control_plane: tuple[str, ...] = ()
    proxies: KnownProxies | None = None


def describe(
    app: AppRecord,
    preview: PreviewRecord,
    launch: Launch,
    origin: Origin,
    *,
    given: AppSecrets,
    fetches: bool,
    ref: str = "",
    stacks: Iterable[StackRecord] = (),
) -> Task:
    """Return the task of the attempt that `preview` records (its task_id must be set).

    The parts of `given` that are for this commit go into its order, and the addresses of the
    members of its app's `stacks`. `ref` is as in BuildOrder.
    """
    order = dataclasses.replace(_order(app, preview, launch, origin), ref=ref)
    found = find_variables(stacks, app.name, preview.instance, origin.addresses)
    return Task(
        id=preview.task_id or "",
        agent_id=launch.agent_id,
        framework_id=origin.framework_id,
        order=give_addresses(give(order, given, preview.refs), found),
        resources=launch.task_resources,
        executor_resources=launch.executor_resources,
        executor=origin.executor,
        fetches=fetches,
    )


def _order(app: AppRecord, preview: PreviewRecord, launch: Launch, origin: Origin) -> BuildOrder:
    """Return the order without what the app is given."""
    label = preview.labels[-1] if preview.labels else preview.sha
    wanted = effective_settings.resolve(app, preview.settings)
    settings = preview.settings or CommitSettings()
    cpus, mem = effective_settings.own_resources(app, preview.settings)
    return BuildOrder(
        app=app.name,
        sha=preview.commit,
        label=label,
        repository=app.repository,
        container_port=wanted.port,
        host=launch.host,
        host_port=launch.ports[0],
        cpus=cpus,
        mem=mem,
        health=wanted.health,
        url=origin.addresses.url(label, preview.app, preview.instance),
        fetch_limit=origin.fetch_limit,
        build_limit=origin.build_limit,
        start_limit=wanted.start_limit,
        folder=app.folder,
        build=settings.build,
        run=settings.run,
        registry=origin.registry,
        digest="" if preview.stranger else preview.digest,
        trusted=not preview.stranger,
        app_created=app.created,
        control_plane=origin.control_plane,
        proxies=origin.proxies,
        instance=preview.sha if preview.instance else "",
        variant=names.split_instance(preview.instance)[0],
        services={
            name: PublishedService(
                port,
                service_url(origin.addresses, name, preview.instance or label, preview.app),
            )
            for name, port in preview.service_ports.items()
        },
        data=preview.data,
        data_began=preview.data_began,
        seed_began=preview.seed_began,
        # On another agent there is nothing to copy.
        seed="" if preview.moved_from else preview.seed,
    )


def give_addresses(order: BuildOrder, found: Mapping[str, str]) -> BuildOrder:
    """Return the order with the addresses of its stacks' members, which only containers get.

    They replace the app's variables of these names: with others, a variant would call elsewhere. A
    stranger's commit gets none, like no variable of its app.
    """
    if not found or not order.trusted:
        return order
    return dataclasses.replace(
        order,
        environment={**order.environment, **found},
        secrets={name: value for name, value in order.secrets.items() if name not in found},
        build_only=tuple(name for name in order.build_only if name not in found),
        run_only=(*order.run_only, *(name for name in found if name not in order.run_only)),
        gates=tuple(dict.fromkeys(urlsplit(url).hostname or "" for url in found.values())),
    )


def give(order: BuildOrder, given: AppSecrets, refs: Collection[str]) -> BuildOrder:
    """Return the order with the credential, and the variables for a commit with these refs.

    They stand in the texts of its compose file too. A stranger's commit gets no variable. The
    credential is for reading the commit itself.
    """
    if not order.trusted:
        return dataclasses.replace(order, credential=given.credential)
    own = given.for_refs(refs)
    whole = dataclasses.replace(
        order,
        environment=own.environment,
        secrets=own.secrets,
        build_only=own.only_for(GivenFor.BUILD),
        run_only=own.only_for(GivenFor.RUN),
        withheld=len(given.variables) - len(own.variables),
        credential=given.credential,
    )
    if not order.run.fillings:
        return whole
    return dataclasses.replace(whole, run=fill_in(order.run, whole.given_to_containers))
