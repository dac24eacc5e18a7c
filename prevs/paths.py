"""The paths of znodes in ZooKeeper. All are below one root, by default `/prevs`."""

from typing import NamedTuple


class Paths(NamedTuple):
    """The znodes of one prevs installation."""

    root: str = "/prevs"

    @property
    def framework(self) -> str:
        """Parent of the znodes that the frameworks at this root share."""
        return f"{self.root}/framework"

    @property
    def framework_id(self) -> str:
        """The Mesos framework id, plain ASCII, written before the first launch."""
        return f"{self.framework}/id"

    @property
    def installation(self) -> str:
        """The InstallationRecord, written before the first subscription."""
        return f"{self.framework}/installation"

    @property
    def leader(self) -> str:
        """The LeaderRecord. Its version is the epoch, which grows with each new leader."""
        return f"{self.framework}/leader"

    @property
    def election(self) -> str:
        """Parent of one ephemeral znode per framework: the leader and the candidates."""
        return f"{self.framework}/election"

    @property
    def agents(self) -> str:
        """The AgentsRecord: where previews may be."""
        return f"{self.framework}/agents"

    @property
    def apps(self) -> str:
        """Parent of one AppRecord per app."""
        return f"{self.root}/apps"

    def app(self, app: str) -> str:
        """An app's AppRecord."""
        return f"{self.apps}/{app}"

    @property
    def previews(self) -> str:
        """Parent of one znode per app, each the parent of its PreviewRecords."""
        return f"{self.root}/previews"

    def app_previews(self, app: str) -> str:
        """Parent of an app's PreviewRecords."""
        return f"{self.previews}/{app}"

    def preview(self, app: str, sha: str) -> str:
        """A preview's PreviewRecord."""
        return f"{self.app_previews(app)}/{sha}"

    @property
    def placements(self) -> str:
        """Parent of one PlacementsRecord per app."""
        return f"{self.root}/placements"

    def app_placements(self, app: str) -> str:
        """An app's PlacementsRecord."""
        return f"{self.placements}/{app}"

    @property
    def tokens(self) -> str:
        """Parent of one TokenRecord per token."""
        return f"{self.root}/tokens"

    def token(self, name: str) -> str:
        """A token's TokenRecord."""
        return f"{self.tokens}/{name}"

    @property
    def roles(self) -> str:
        """Parent of one RoleRecord per role."""
        return f"{self.root}/roles"

    def role(self, role_id: str) -> str:
        """A role's RoleRecord."""
        return f"{self.roles}/{role_id}"

    @property
    def secrets(self) -> str:
        """Parent of one SecretsRecord per app."""
        return f"{self.root}/secrets"

    def app_secrets(self, app: str) -> str:
        """An app's SecretsRecord."""
        return f"{self.secrets}/{app}"

    @property
    def access(self) -> str:
        """Parent of one AccessRecord per app that is not public."""
        return f"{self.root}/access"

    def app_access(self, app: str) -> str:
        """An app's AccessRecord."""
        return f"{self.access}/{app}"

    @property
    def pulls(self) -> str:
        """Parent of one znode per app, each the parent of its PullRecords."""
        return f"{self.root}/pulls"

    def app_pulls(self, app: str) -> str:
        """Parent of an app's PullRecords."""
        return f"{self.pulls}/{app}"

    def pull(self, app: str, number: int) -> str:
        """A pull request's PullRecord."""
        return f"{self.app_pulls(app)}/{number}"

    @property
    def jobs(self) -> str:
        """Parent of one znode per app, each the parent of its JobRecords."""
        return f"{self.root}/jobs"

    def job(self, app: str, job_id: str) -> str:
        """A job's JobRecord."""
        return f"{self.jobs}/{app}/{job_id}"

    @property
    def ended_jobs(self) -> str:
        """Parent of one znode per app, each the parent of its EndedJobsRecords."""
        return f"{self.root}/jobs-ended"

    def ended_jobs_block(self, app: str, number: int) -> str:
        """An EndedJobsRecord. The names of an app's sort like their numbers."""
        return f"{self.ended_jobs}/{app}/{number:08d}"

    @property
    def payloads(self) -> str:
        """Parent of one znode per app, each the parent of its PayloadRecords."""
        return f"{self.root}/payloads"

    def payload(self, app: str, job_id: str) -> str:
        """A job's PayloadRecord, until the job ends."""
        return f"{self.payloads}/{app}/{job_id}"

    @property
    def results(self) -> str:
        """Parent of one znode per app, each the parent of its ResultRecords."""
        return f"{self.root}/results"

    def result(self, app: str, job_id: str) -> str:
        """A job's ResultRecord, as long as the ended job is kept."""
        return f"{self.results}/{app}/{job_id}"

    def app_parents(self, app: str) -> tuple[str, ...]:
        """Every parent of an app's records of one kind: empty in the end, they go with the app."""
        of_jobs = (self.jobs, self.ended_jobs, self.payloads, self.results, self.schedules)
        return tuple(f"{parent}/{app}" for parent in (self.previews, self.pulls, *of_jobs))

    @property
    def repositories(self) -> str:
        """Parent of one RepositoryRecord per app whose forge has named its repository."""
        return f"{self.root}/repositories"

    def app_repository(self, app: str) -> str:
        """An app's RepositoryRecord."""
        return f"{self.repositories}/{app}"

    @property
    def schedules(self) -> str:
        """Parent of one znode per app, each the parent of its ScheduleRecords."""
        return f"{self.root}/schedules"

    def app_schedules(self, app: str) -> str:
        """Parent of an app's ScheduleRecords."""
        return f"{self.schedules}/{app}"

    def schedule(self, app: str, name: str) -> str:
        """A schedule's ScheduleRecord."""
        return f"{self.app_schedules(app)}/{name}"

    @property
    def gates(self) -> str:
        """Parent of one GateRecord per gate."""
        return f"{self.root}/gates"

    def gate(self, name: str) -> str:
        """A gate's GateRecord."""
        return f"{self.gates}/{name}"

    @property
    def stacks(self) -> str:
        """Parent of one StackRecord per stack."""
        return f"{self.root}/stacks"

    def stack(self, name: str) -> str:
        """A stack's StackRecord."""
        return f"{self.stacks}/{name}"

    @property
    def proxies(self) -> str:
        """Parent of one ephemeral ProxyRecord per live proxy."""
        return f"{self.root}/proxies"

    def proxy(self, proxy: str) -> str:
        """A proxy's ProxyRecord."""
        return f"{self.proxies}/{proxy}"
