"""The parts that the service drives, made together. All of them belong to its thread."""

from collections.abc import Callable, Collection
from typing import NamedTuple

from framework.attempts.attempts import Attempts
from framework.clock import Clock
from framework.control_plane import ControlPlane
from framework.matching.limits import Limits
from framework.metrics import Metrics
from framework.ports import Cluster
from framework.scheduling.data_turns import DataTurns
from framework.scheduling.eviction import Eviction
from framework.scheduling.idleness import Idleness
from framework.scheduling.launches import Launcher, LaunchTerms
from framework.scheduling.maintenance import Maintenance
from framework.scheduling.offers_by_role import OffersByRole
from framework.service.app_removal import AppRemoval
from framework.service.branches import Branches
from framework.service.builds_ahead import BuildsAhead
from framework.service.commands import Commands
from framework.service.data.data_commands import DataCommands
from framework.service.gates.gate_branches import GateBranches
from framework.service.gates.gate_commands import GateCommands
from framework.service.gates.gate_proposals import GateProposals
from framework.service.gates.gates_in_force import GatesInForce
from framework.service.jobs.file_schedules import FileSchedules
from framework.service.jobs.job_callbacks import JobCallbacks
from framework.service.jobs.job_commands import JobCommands
from framework.service.jobs.schedule_commands import ScheduleCommands
from framework.service.jobs.schedule_fires import ScheduleFires
from framework.service.manifest_loader import ManifestLoader
from framework.service.pull_requests import PullRequests
from framework.service.refused_connections import RefusedConnections
from framework.service.stacks.stack_commands import StackCommands
from framework.service.stacks.stack_upkeep import StackUpkeep
from framework.service.variables.variable_commands import VariableCommands
from framework.state.records import Records
from prevs.records import AppRecord


class Edges(NamedTuple):
    """What the service reaches outside of its thread; no call blocks.

    `forget_mirror` begins to remove an app's mirror, and answers with events.MirrorRemoved;
    `read_settings` begins to read a commit's settings, and answers with events.SettingsRead;
    `find_lead` begins to find where a label leads, and answers with events.LeadFound.
    """

    cluster: Cluster
    forget_mirror: Callable[[str], None]
    read_settings: Callable[[AppRecord, str, Collection[str] | None], None]
    find_lead: Callable[[AppRecord, str], None]


class JobParts(NamedTuple):
    """What drives jobs, and the schedules that make them."""

    commands: JobCommands
    callbacks: JobCallbacks
    schedule_commands: ScheduleCommands
    schedule_fires: ScheduleFires
    file_schedules: FileSchedules


class GateParts(NamedTuple):
    """What drives gates."""

    commands: GateCommands
    proposals: GateProposals
    branches: GateBranches
    in_force: GatesInForce


class StackParts(NamedTuple):
    """What drives stacks."""

    commands: StackCommands
    upkeep: StackUpkeep


class Parts(NamedTuple):
    """The parts; `control_plane` knows which machines no preview may reach."""

    records: Records
    offers: OffersByRole
    attempts: Attempts
    refused_connections: RefusedConnections
    maintenance: Maintenance
    app_removal: AppRemoval
    manifest_loader: ManifestLoader
    idleness: Idleness
    data: DataTurns
    data_commands: DataCommands
    launcher: Launcher
    commands: Commands
    variable_commands: VariableCommands
    jobs: JobParts
    gates: GateParts
    stacks: StackParts
    branches: Branches
    pull_requests: PullRequests
    builds_ahead: BuildsAhead
    control_plane: ControlPlane
    limits: Limits
    clock: Clock
    metrics: Metrics


def build_parts(
    records: Records,
    edges: Edges,
    terms: LaunchTerms,
    *,
    clock: Clock,
    metrics: Metrics,
    after_stop: bool = False,
) -> Parts:
    """Make the parts over some records. `after_stop`: who led before had stopped in order."""
    offers = OffersByRole(edges.cluster, clock, metrics, terms.roles)
    attempts = Attempts(
        records,
        edges.cluster,
        build_seconds=terms.origin.build_seconds,
        clock=clock,
        metrics=metrics,
        after_stop=after_stop,
    )
    idleness, commands = Idleness(records, clock), Commands(records, clock)
    eviction = Eviction(records, idleness, clock, jobs_apart=bool(terms.roles.jobs))
    data = DataTurns(records, clock)
    launcher = Launcher(
        *(records, offers, attempts),
        eviction=eviction,
        data=data,
        terms=terms,
        clock=clock,
        metrics=metrics,
    )
    return Parts(
        records=records,
        offers=offers,
        attempts=attempts,
        refused_connections=RefusedConnections(records, attempts, clock),
        maintenance=Maintenance(records, edges.cluster, clock),
        app_removal=AppRemoval(records, edges.forget_mirror),
        manifest_loader=ManifestLoader(records, edges.read_settings, clock=clock, metrics=metrics),
        idleness=idleness,
        data=data,
        data_commands=DataCommands(records, clock),
        launcher=launcher,
        commands=commands,
        variable_commands=VariableCommands(commands, clock),
        jobs=_build_jobs(records, edges, clock, metrics),
        gates=_build_gates(records, commands, clock, domain=terms.origin.addresses.domain),
        stacks=_build_stacks(records, clock),
        branches=Branches(records, commands, clock, unreferenced=terms.limits.unreferenced),
        pull_requests=PullRequests(records, commands, clock),
        builds_ahead=BuildsAhead(records, commands, metrics),
        control_plane=terms.control_plane,
        limits=terms.limits,
        clock=clock,
        metrics=metrics,
    )


def _build_jobs(records: Records, edges: Edges, clock: Clock, metrics: Metrics) -> JobParts:
    commands = JobCommands(records, records.vault, clock)
    file_schedules = FileSchedules(records, edges.find_lead, clock)
    fires = ScheduleFires(records, commands, edges.find_lead, clock, metrics=metrics.schedules)
    return JobParts(
        commands=commands,
        callbacks=JobCallbacks(records.jobs, clock),
        schedule_commands=ScheduleCommands(records, commands, file_schedules, clock),
        schedule_fires=fires,
        file_schedules=file_schedules,
    )


def _build_gates(records: Records, commands: Commands, clock: Clock, *, domain: str) -> GateParts:
    proposals = GateProposals(records, clock)
    return GateParts(
        commands=GateCommands(records, proposals, clock, domain=domain),
        proposals=proposals,
        branches=GateBranches(records, commands, proposals, clock),
        in_force=GatesInForce(records.gates, clock),
    )


def _build_stacks(records: Records, clock: Clock) -> StackParts:
    upkeep = StackUpkeep(records, clock)
    return StackParts(StackCommands(records, upkeep, clock), upkeep)
