"""The calls of the API, as its description says. Made by `make generate`: do not edit."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, cast

from cli.client.event_streams import Stream
from cli.client.generated.records import (
    App,
    Apps,
    Artifacts,
    Attempts,
    AuditEntry,
    AuditLog,
    Belongings,
    CancelledJobs,
    ChangedVariables,
    Check,
    Commit,
    Commits,
    Data,
    DataOfApp,
    EnteredHook,
    Environment,
    Event,
    Events,
    ForgeCheck,
    Gate,
    Gates,
    Hooks,
    Job,
    JobDetail,
    Jobs,
    Lead,
    MesosAgent,
    MesosAgents,
    NewHookSecret,
    NewPass,
    NewReceiver,
    NewToken,
    Preview,
    PreviewDetail,
    Previews,
    Pull,
    Pulls,
    Queue,
    Queued,
    Receivers,
    Ref,
    Refs,
    RequestedJobs,
    Role,
    Roles,
    Schedule,
    ScheduledTimes,
    Schedules,
    SetVariable,
    ShownAccess,
    ShownCredential,
    ShownForgeToken,
    ShownTry,
    Signatures,
    Stack,
    Stacks,
    StackVariant,
    StartedPreview,
    Token,
    Tokens,
    TryAnswer,
    WrittenSchedule,
)
from cli.client.paging import Listed
from cli.client.transport import Download, Transport, quote_key, quote_part, quote_path


class Calls(Transport):
    """The operations of the API, by their operationId. They raise what `Transport` says.

    A list is read page by page: all of it, or the first `limit` items. The framework checks an
    `order`. Calls with `waits=True` have the time that git and forges take.
    """

    def list_apps(self, *, limit: int | None = None) -> Listed[App, Apps]:
        """List the apps, by name."""
        return self._list("/v1/apps", "apps", {}, limit)

    def add_app(self, order: Mapping[str, object], *, key: str | None = None) -> App:
        """Register an app. The same settings again answer 200 and change nothing."""
        return cast(
            App,
            self._json(
                "POST", "/v1/apps", order=order, headers={"Idempotency-Key": quote_key(key)}
            ),
        )

    def show_app(self, app: str) -> App:
        """Show an app."""
        return cast(App, self._json("GET", f"/v1/apps/{quote_part(app)}"))

    def change_app(
        self, app: str, order: Mapping[str, object], *, if_match: str | None = None
    ) -> App:
        """Change settings of an app. They apply to attempts that begin later."""
        return cast(
            App,
            self._json(
                "PATCH", f"/v1/apps/{quote_part(app)}", order=order, headers={"if-match": if_match}
            ),
        )

    def remove_app(self, app: str, *, if_match: str | None = None) -> None:
        """Stop an app's previews, and remove them and the app."""
        self._call("DELETE", f"/v1/apps/{quote_part(app)}", headers={"if-match": if_match}).close()

    def show_belongings(self, app: str) -> Belongings:
        """Show what goes with an app when it is removed. Removes nothing."""
        return cast(Belongings, self._json("GET", f"/v1/apps/{quote_part(app)}/belongings"))

    def show_label(self, app: str, label: str) -> Lead:
        """Show which commit a label leads to. Starts nothing."""
        return cast(
            Lead,
            self._json("GET", f"/v1/apps/{quote_part(app)}/labels/{quote_part(label)}", waits=True),
        )

    def check_repository(self, order: Mapping[str, object]) -> Check:
        """Find what would be built and run of a commit of any repository. Registers nothing."""
        return cast(Check, self._json("POST", "/v1/checks", order=order, waits=True))

    def show_environment(self, app: str) -> Environment:
        """List the variables of an app's containers, without the values of secret ones."""
        return cast(Environment, self._json("GET", f"/v1/apps/{quote_part(app)}/environment"))

    def set_variables(
        self, app: str, order: Mapping[str, object], *, if_match: str | None = None
    ) -> ChangedVariables:
        """Set several variables of an app's containers: all of them, or none if one is wrong."""
        return cast(
            ChangedVariables,
            self._json(
                "PATCH",
                f"/v1/apps/{quote_part(app)}/environment",
                order=order,
                headers={"if-match": if_match},
            ),
        )

    def unset_all(self, app: str) -> None:
        """Remove all variables of an app's containers."""
        self._call("DELETE", f"/v1/apps/{quote_part(app)}/environment").close()

    def set_variable(
        self, app: str, name: str, order: Mapping[str, object], *, if_match: str | None = None
    ) -> SetVariable:
        """Set a variable of an app's containers. It applies to attempts that begin later."""
        return cast(
            SetVariable,
            self._json(
                "PUT",
                f"/v1/apps/{quote_part(app)}/environment/{quote_part(name)}",
                order=order,
                headers={"if-match": if_match},
            ),
        )

    def unset_variable(self, app: str, name: str, *, if_match: str | None = None) -> None:
        """Remove a variable of an app's containers, for attempts that begin later."""
        self._call(
            "DELETE",
            f"/v1/apps/{quote_part(app)}/environment/{quote_part(name)}",
            headers={"if-match": if_match},
        ).close()

    def show_credential(self, app: str) -> ShownCredential:
        """Show how an app's repository is read, without the secret part."""
        return cast(ShownCredential, self._json("GET", f"/v1/apps/{quote_part(app)}/credential"))

    def set_credential(
        self, app: str, order: Mapping[str, object], *, if_match: str | None = None
    ) -> ShownCredential:
        """Set what an app's repository is read with, by the framework and by agents."""
        return cast(
            ShownCredential,
            self._json(
                "PUT",
                f"/v1/apps/{quote_part(app)}/credential",
                order=order,
                headers={"if-match": if_match},
            ),
        )

    def unset_credential(self, app: str, *, if_match: str | None = None) -> None:
        """Remove what an app's repository is read with."""
        self._call(
            "DELETE", f"/v1/apps/{quote_part(app)}/credential", headers={"if-match": if_match}
        ).close()

    def show_hooks(self, app: str) -> Hooks:
        """Show where an app's forge sends webhooks, and how its repository is read."""
        return cast(Hooks, self._json("GET", f"/v1/apps/{quote_part(app)}/hooks"))

    def set_secret(self, app: str, order: Mapping[str, object] | None = None) -> NewHookSecret:
        """Give an app a new webhook secret. The former one stays valid until the next change."""
        return cast(
            NewHookSecret,
            self._json("POST", f"/v1/apps/{quote_part(app)}/hook-secret", order=order),
        )

    def unset_secret(self, app: str, *, former: bool = False) -> None:
        """Remove an app's webhook secrets: none of its webhooks is accepted any more."""
        self._call(
            "DELETE", f"/v1/apps/{quote_part(app)}/hook-secret", query={"former": former}
        ).close()

    def show_access(self, app: str) -> ShownAccess:
        """Show who may look at an app's previews, and its passes without their texts."""
        return cast(ShownAccess, self._json("GET", f"/v1/apps/{quote_part(app)}/access"))

    def change_access(self, app: str, order: Mapping[str, object]) -> ShownAccess:
        """Change who may look. Another mode or password puts everybody out: passes end, too."""
        return cast(
            ShownAccess, self._json("PUT", f"/v1/apps/{quote_part(app)}/access", order=order)
        )

    def end_access(self, app: str) -> ShownAccess:
        """Put all visitors out. Each has to enter again; every issued pass ends."""
        return cast(ShownAccess, self._json("POST", f"/v1/apps/{quote_part(app)}/access/end"))

    def issue_pass(self, app: str, order: Mapping[str, object]) -> NewPass:
        """Issue a pass. Only this answer has its text; it cannot be shown again."""
        return cast(NewPass, self._json("POST", f"/v1/apps/{quote_part(app)}/passes", order=order))

    def revoke_pass(self, app: str, id: str) -> None:
        """Revoke a pass. Proxies refuse it within a second."""
        self._call("DELETE", f"/v1/apps/{quote_part(app)}/passes/{quote_part(id)}").close()

    def set_forge_token(self, app: str, order: Mapping[str, object]) -> ShownForgeToken:
        """Set what the API of an app's forge is read with. It never leaves the framework."""
        return cast(
            ShownForgeToken,
            self._json("PUT", f"/v1/apps/{quote_part(app)}/forge-token", order=order, waits=True),
        )

    def unset_forge_token(self, app: str) -> None:
        """Remove what the API of an app's forge is read with."""
        self._call("DELETE", f"/v1/apps/{quote_part(app)}/forge-token", waits=True).close()

    def enter_hook(self, app: str) -> EnteredHook:
        """Give an app's forge the webhook, by its API, with the app's secret."""
        return cast(
            EnteredHook, self._json("POST", f"/v1/apps/{quote_part(app)}/forge-hook", waits=True)
        )

    def check_forge(self, app: str) -> ForgeCheck:
        """Check the way to an app's forge, by calls of its API and by git. Changes nothing."""
        return cast(
            ForgeCheck, self._json("POST", f"/v1/apps/{quote_part(app)}/forge-check", waits=True)
        )

    def list_previews(
        self, *, state: str | None = None, app: str | None = None, limit: int | None = None
    ) -> Listed[Preview, Previews]:
        """List previews, by app and time of creation; of one app, or in one state."""
        return self._list("/v1/previews", "previews", {"state": state, "app": app}, limit)

    def start_preview(
        self, order: Mapping[str, object], *, key: str | None = None
    ) -> StartedPreview:
        """Start the preview that a label leads to. The same order again answers the same
        preview.
        """
        return cast(
            StartedPreview,
            self._json(
                "POST",
                "/v1/previews",
                order=order,
                headers={"Idempotency-Key": quote_key(key)},
                waits=True,
            ),
        )

    def show_preview(self, app: str, sha: str) -> PreviewDetail:
        """Show a preview; a failed one with the last lines of its log."""
        return cast(
            PreviewDetail, self._json("GET", f"/v1/previews/{quote_part(app)}/{quote_part(sha)}")
        )

    def stop_preview(self, app: str, sha: str) -> Preview:
        """Stop a preview. The next request to its address starts it again."""
        return cast(
            Preview, self._json("DELETE", f"/v1/previews/{quote_part(app)}/{quote_part(sha)}")
        )

    def retry_preview(self, app: str, sha: str, *, key: str | None = None) -> Preview:
        """Try a failed preview again."""
        return cast(
            Preview,
            self._json(
                "POST",
                f"/v1/previews/{quote_part(app)}/{quote_part(sha)}/retry",
                headers={"Idempotency-Key": quote_key(key)},
            ),
        )

    def restart_preview(self, app: str, sha: str, *, key: str | None = None) -> Preview:
        """End the attempt of a preview, and start it again with the app's newest variables."""
        return cast(
            Preview,
            self._json(
                "POST",
                f"/v1/previews/{quote_part(app)}/{quote_part(sha)}/restart",
                headers={"Idempotency-Key": quote_key(key)},
            ),
        )

    def pin_preview(self, app: str, sha: str) -> Preview:
        """Keep a preview from stopping because it is idle, or to make room."""
        return cast(
            Preview, self._json("PUT", f"/v1/previews/{quote_part(app)}/{quote_part(sha)}/pin")
        )

    def unpin_preview(self, app: str, sha: str) -> Preview:
        """Let a preview stop because it is idle, or to make room."""
        return cast(
            Preview, self._json("DELETE", f"/v1/previews/{quote_part(app)}/{quote_part(sha)}/pin")
        )

    def list_attempts(self, app: str, sha: str) -> Attempts:
        """List the last attempts of a preview: when each began and ended, how, and its log."""
        return cast(
            Attempts,
            self._json("GET", f"/v1/previews/{quote_part(app)}/{quote_part(sha)}/attempts"),
        )

    def show_log(
        self,
        app: str,
        sha: str,
        *,
        offset: int | None = None,
        tail: bool = False,
        public: bool = False,
        attempt: int | None = None,
        apart: bool = False,
    ) -> Any:
        """Read the log of an attempt (without a number, the last), or follow the last as events."""
        return self._call(
            "GET",
            f"/v1/previews/{quote_part(app)}/{quote_part(sha)}/log",
            query={
                "offset": offset,
                "tail": tail,
                "public": public,
                "attempt": attempt,
                "apart": apart,
            },
        )

    def follow_log(
        self,
        app: str,
        sha: str,
        *,
        after: str | None,
        offset: int | None = None,
        tail: bool = False,
        public: bool = False,
        attempt: int | None = None,
        apart: bool = False,
    ) -> Stream:
        """Read the log of an attempt (without a number, the last), or follow the last as events."""
        return self._stream(
            f"/v1/previews/{quote_part(app)}/{quote_part(sha)}/log",
            after,
            {"offset": offset, "tail": tail, "public": public, "attempt": attempt, "apart": apart},
        )

    def list_jobs(
        self,
        *,
        state: str | None = None,
        group: str | None = None,
        schedule: str | None = None,
        app: str | None = None,
        limit: int | None = None,
    ) -> Listed[Job, Jobs]:
        """List jobs, the newest first."""
        return self._list(
            "/v1/jobs",
            "jobs",
            {"state": state, "group": group, "schedule": schedule, "app": app},
            limit,
        )

    def request_jobs(
        self, app: str, order: Mapping[str, object], *, key: str | None = None
    ) -> Job | RequestedJobs:
        """Request a job, or up to 1,000 together, which are all requested or none."""
        return cast(
            Job | RequestedJobs,
            self._json(
                "POST",
                f"/v1/apps/{quote_part(app)}/jobs",
                order=order,
                headers={"Idempotency-Key": quote_key(key)},
                waits=True,
            ),
        )

    def cancel_group(self, app: str, *, group: str) -> CancelledJobs:
        """Cancel all jobs of a group that have not ended."""
        return cast(
            CancelledJobs,
            self._json("DELETE", f"/v1/apps/{quote_part(app)}/jobs", query={"group": group}),
        )

    def show_job(self, app: str, id: str) -> JobDetail:
        """Show a job with its attempts, at once or when it has ended."""
        return cast(
            JobDetail, self._json("GET", f"/v1/apps/{quote_part(app)}/jobs/{quote_part(id)}")
        )

    def cancel_job(self, app: str, id: str) -> Job:
        """Cancel a job: it ends, and never starts again."""
        return cast(Job, self._json("DELETE", f"/v1/apps/{quote_part(app)}/jobs/{quote_part(id)}"))

    def retry_job(self, app: str, id: str, *, key: str | None = None) -> Job:
        """Request a new job that does what an ended one did, at the same commit."""
        return cast(
            Job,
            self._json(
                "POST",
                f"/v1/apps/{quote_part(app)}/jobs/{quote_part(id)}/retry",
                headers={"Idempotency-Key": quote_key(key)},
            ),
        )

    def read_job_result(self, app: str, id: str) -> AbstractContextManager[Download]:
        """Read what a job's command left in /run/prevs/result: any bytes."""
        return self._download(f"/v1/apps/{quote_part(app)}/jobs/{quote_part(id)}/result")

    def show_job_log(
        self,
        app: str,
        id: str,
        *,
        offset: int | None = None,
        tail: bool = False,
        attempt: int | None = None,
        apart: bool = False,
    ) -> Any:
        """Read the log of an attempt (without a number, the last), or follow the last as events."""
        return self._call(
            "GET",
            f"/v1/apps/{quote_part(app)}/jobs/{quote_part(id)}/log",
            query={"offset": offset, "tail": tail, "attempt": attempt, "apart": apart},
        )

    def follow_job_log(
        self,
        app: str,
        id: str,
        *,
        after: str | None,
        offset: int | None = None,
        tail: bool = False,
        attempt: int | None = None,
        apart: bool = False,
    ) -> Stream:
        """Read the log of an attempt (without a number, the last), or follow the last as events."""
        return self._stream(
            f"/v1/apps/{quote_part(app)}/jobs/{quote_part(id)}/log",
            after,
            {"offset": offset, "tail": tail, "attempt": attempt, "apart": apart},
        )

    def list_artifacts(self, app: str, id: str) -> Artifacts:
        """List the files that an ended job's last attempt left in /run/prevs/artifacts."""
        return cast(
            Artifacts,
            self._json("GET", f"/v1/apps/{quote_part(app)}/jobs/{quote_part(id)}/artifacts"),
        )

    def read_artifact(self, app: str, id: str, path: str) -> AbstractContextManager[Download]:
        """Read one of these files."""
        return self._download(
            f"/v1/apps/{quote_part(app)}/jobs/{quote_part(id)}/artifacts/{quote_path(path)}"
        )

    def list_schedules(self, app: str, *, limit: int | None = None) -> Listed[Schedule, Schedules]:
        """List the schedules of an app, by name."""
        return self._list(f"/v1/apps/{quote_part(app)}/schedules", "schedules", {}, limit)

    def try_times(
        self, app: str, order: Mapping[str, object], *, count: int | None = None
    ) -> ScheduledTimes:
        """List the next times that a schedule would have. Stores nothing."""
        return cast(
            ScheduledTimes,
            self._json(
                "POST",
                f"/v1/apps/{quote_part(app)}/schedule-times",
                order=order,
                query={"count": count},
            ),
        )

    def show_schedule(self, app: str, name: str) -> Schedule:
        """Show a schedule: its next times, its jobs, and why the last times made none."""
        return cast(
            Schedule, self._json("GET", f"/v1/apps/{quote_part(app)}/schedules/{quote_part(name)}")
        )

    def write_schedule(self, app: str, name: str, order: Mapping[str, object]) -> WrittenSchedule:
        """Make a schedule, or replace the one of that name: it counts from now on."""
        return cast(
            WrittenSchedule,
            self._json(
                "PUT",
                f"/v1/apps/{quote_part(app)}/schedules/{quote_part(name)}",
                order=order,
                waits=True,
            ),
        )

    def remove_schedule(self, app: str, name: str) -> None:
        """Remove a schedule. The jobs that it has made go on."""
        self._call("DELETE", f"/v1/apps/{quote_part(app)}/schedules/{quote_part(name)}").close()

    def list_times(self, app: str, name: str, *, count: int | None = None) -> ScheduledTimes:
        """List the next times of a schedule."""
        return cast(
            ScheduledTimes,
            self._json(
                "GET",
                f"/v1/apps/{quote_part(app)}/schedules/{quote_part(name)}/times",
                query={"count": count},
            ),
        )

    def pause_schedule(self, app: str, name: str) -> Schedule:
        """Let a schedule make no jobs until it is resumed."""
        return cast(
            Schedule,
            self._json("PUT", f"/v1/apps/{quote_part(app)}/schedules/{quote_part(name)}/pause"),
        )

    def resume_schedule(self, app: str, name: str) -> Schedule:
        """Let a paused schedule go on. The times meanwhile are not made up."""
        return cast(
            Schedule,
            self._json("DELETE", f"/v1/apps/{quote_part(app)}/schedules/{quote_part(name)}/pause"),
        )

    def run_schedule(self, app: str, name: str, *, key: str | None = None) -> Job:
        """Request the job of a schedule now, beside its times."""
        return cast(
            Job,
            self._json(
                "POST",
                f"/v1/apps/{quote_part(app)}/schedules/{quote_part(name)}/run",
                headers={"Idempotency-Key": quote_key(key)},
                waits=True,
            ),
        )

    def list_gates(
        self, *, app: str | None = None, limit: int | None = None
    ) -> Listed[Gate, Gates]:
        """List gates, by name."""
        return self._list("/v1/gates", "gates", {"app": app}, limit)

    def show_gate(self, name: str) -> Gate:
        """Show a gate: its rules, what they lead to, what waits, and its earlier revisions."""
        return cast(Gate, self._json("GET", f"/v1/gates/{quote_part(name)}"))

    def write_gate(
        self,
        name: str,
        order: Mapping[str, object],
        *,
        dry_run: bool = False,
        force: bool = False,
        if_match: str | None = None,
    ) -> Gate:
        """Make a gate, or replace all rules of the one of that name."""
        return cast(
            Gate,
            self._json(
                "PUT",
                f"/v1/gates/{quote_part(name)}",
                order=order,
                query={"dry_run": dry_run, "force": force},
                headers={"if-match": if_match},
                waits=True,
            ),
        )

    def remove_gate(self, name: str) -> None:
        """Remove a gate. Nothing is at its addresses any more; previews stay."""
        self._call("DELETE", f"/v1/gates/{quote_part(name)}").close()

    def switch_gate(
        self,
        name: str,
        order: Mapping[str, object],
        *,
        dry_run: bool = False,
        force: bool = False,
        if_match: str | None = None,
    ) -> Gate:
        """Let one rule of a gate lead elsewhere, as soon as that runs."""
        return cast(
            Gate,
            self._json(
                "POST",
                f"/v1/gates/{quote_part(name)}/switch",
                order=order,
                query={"dry_run": dry_run, "force": force},
                headers={"if-match": if_match},
                waits=True,
            ),
        )

    def roll_back_gate(
        self,
        name: str,
        order: Mapping[str, object],
        *,
        dry_run: bool = False,
        force: bool = False,
        if_match: str | None = None,
    ) -> Gate:
        """Roll back to an earlier revision, at the commits that it served."""
        return cast(
            Gate,
            self._json(
                "POST",
                f"/v1/gates/{quote_part(name)}/rollback",
                order=order,
                query={"dry_run": dry_run, "force": force},
                headers={"if-match": if_match},
                waits=True,
            ),
        )

    def try_gate(self, name: str, order: Mapping[str, object]) -> TryAnswer:
        """Tell where a request to a gate would go, and why. Sends nothing."""
        return cast(TryAnswer, self._json("POST", f"/v1/gates/{quote_part(name)}/try", order=order))

    def list_stacks(
        self, *, app: str | None = None, limit: int | None = None
    ) -> Listed[Stack, Stacks]:
        """List stacks, by name; those of which an app is a member."""
        return self._list("/v1/stacks", "stacks", {"app": app}, limit)

    def show_stack(self, name: str) -> Stack:
        """Show a stack: its members, its open variants, and what runs in these."""
        return cast(Stack, self._json("GET", f"/v1/stacks/{quote_part(name)}"))

    def write_stack(
        self, name: str, order: Mapping[str, object], *, dry_run: bool = False
    ) -> Stack:
        """Make a stack, or replace all members of the one of that name. Its variants stay open."""
        return cast(
            Stack,
            self._json(
                "PUT",
                f"/v1/stacks/{quote_part(name)}",
                order=order,
                query={"dry_run": dry_run},
                waits=True,
            ),
        )

    def remove_stack(self, name: str) -> None:
        """Remove a stack: its addresses lead nowhere, and what runs in its variants alone stops."""
        self._call("DELETE", f"/v1/stacks/{quote_part(name)}").close()

    def open_variant(self, name: str, order: Mapping[str, object]) -> StackVariant:
        """Open a variant. Nothing starts: the first request to its address does that."""
        return cast(
            StackVariant,
            self._json("POST", f"/v1/stacks/{quote_part(name)}/variants", order=order, waits=True),
        )

    def show_variant(self, name: str, variant: str) -> StackVariant:
        """Show a variant: where each member is in it, and what runs."""
        return cast(
            StackVariant,
            self._json("GET", f"/v1/stacks/{quote_part(name)}/variants/{quote_part(variant)}"),
        )

    def close_variant(self, name: str, variant: str) -> None:
        """Close a variant: what runs in it alone stops, and is removed."""
        self._call(
            "DELETE", f"/v1/stacks/{quote_part(name)}/variants/{quote_part(variant)}"
        ).close()

    def stop_variant(self, name: str, variant: str) -> StackVariant:
        """Stop what runs in a variant alone. The next request to an address starts it again."""
        return cast(
            StackVariant,
            self._json(
                "POST", f"/v1/stacks/{quote_part(name)}/variants/{quote_part(variant)}/stop"
            ),
        )

    def pin_variant(self, name: str, variant: str) -> StackVariant:
        """Keep what runs in a variant from stopping because it is idle, or to make room."""
        return cast(
            StackVariant,
            self._json("PUT", f"/v1/stacks/{quote_part(name)}/variants/{quote_part(variant)}/pin"),
        )

    def unpin_variant(self, name: str, variant: str) -> StackVariant:
        """Let what runs in a variant stop because it is idle, or to make room."""
        return cast(
            StackVariant,
            self._json(
                "DELETE", f"/v1/stacks/{quote_part(name)}/variants/{quote_part(variant)}/pin"
            ),
        )

    def show_queue(self, *, limit: int | None = None) -> Listed[Queued, Queue]:
        """List what waits for an agent, the next first. Places count all previews that wait."""
        return self._list("/v1/queue", "queue", {}, limit)

    def list_refs(
        self,
        app: str,
        *,
        kind: str | None = None,
        search: str | None = None,
        limit: int | None = None,
    ) -> Listed[Ref, Refs]:
        """List an app's branches and tags, the newest commit first."""
        return self._list(
            f"/v1/apps/{quote_part(app)}/refs",
            "refs",
            {"kind": kind, "search": search},
            limit,
            waits=True,
        )

    def list_commits(
        self,
        app: str,
        *,
        ref: str | None = None,
        from_: str | None = None,
        first_parent: bool = False,
        limit: int | None = None,
    ) -> Listed[Commit, Commits]:
        """List the commits that a branch or tag reaches, the newest first."""
        return self._list(
            f"/v1/apps/{quote_part(app)}/commits",
            "commits",
            {"ref": ref, "from": from_, "first_parent": first_parent},
            limit,
            waits=True,
        )

    def list_pulls(self, app: str, *, limit: int | None = None) -> Listed[Pull, Pulls]:
        """List an app's open pull requests, the newest first, as the last look found them."""
        return self._list(f"/v1/apps/{quote_part(app)}/pulls", "pulls", {}, limit, waits=True)

    def approve_pull(self, app: str, number: int, order: Mapping[str, object]) -> Pull:
        """Let one commit of a fork be built: the pull request's head. The next push waits again."""
        return cast(
            Pull,
            self._json(
                "POST",
                f"/v1/apps/{quote_part(app)}/pulls/{quote_part(number)}/approval",
                order=order,
                waits=True,
            ),
        )

    def list_data(self, app: str, *, limit: int | None = None) -> Listed[Data, DataOfApp]:
        """List the data of an app's branches: where they are, and who had them last."""
        return self._list(f"/v1/apps/{quote_part(app)}/data", "data", {}, limit)

    def reset_data(self, app: str, order: Mapping[str, object]) -> None:
        """Let the data of a branch begin anew. A preview that has them starts again."""
        self._call("POST", f"/v1/apps/{quote_part(app)}/data/reset", order=order).close()

    def copy_data(self, app: str, order: Mapping[str, object]) -> None:
        """Let the data of a branch begin anew with a copy of those of another one."""
        self._call("POST", f"/v1/apps/{quote_part(app)}/data/copy", order=order).close()

    def list_agents(self, *, limit: int | None = None) -> Listed[MesosAgent, MesosAgents]:
        """List the agents of the cluster by host, as they were within the last seconds."""
        return self._list("/v1/agents", "agents", {}, limit)

    def list_events(
        self, *, app: str | None = None, limit: int | None = None
    ) -> Listed[Event, Events]:
        """List what has happened lately to one app or to all, the last first; or follow it."""
        return self._list("/v1/events", "events", {"app": app}, limit)

    def follow_events(self, *, after: str | None, app: str | None = None) -> Stream:
        """List what has happened lately to one app or to all, the last first; or follow it."""
        return self._stream("/v1/events", after, {"app": app})

    def list_receivers(self, app: str) -> Receivers:
        """List where the events of an app are sent, with the last answer of each receiver."""
        return cast(Receivers, self._json("GET", f"/v1/apps/{quote_part(app)}/notifications"))

    def add_receiver(self, app: str, order: Mapping[str, object]) -> NewReceiver:
        """Send the events of an app to an address. Only this answer has the secret."""
        return cast(
            NewReceiver,
            self._json("POST", f"/v1/apps/{quote_part(app)}/notifications", order=order),
        )

    def remove_receiver(self, app: str, name: str) -> None:
        """Send nothing more to a receiver, also nothing that waits for it."""
        self._call("DELETE", f"/v1/apps/{quote_part(app)}/notifications/{quote_part(name)}").close()

    def test_receiver(self, app: str, name: str) -> ShownTry:
        """Send a test to a receiver, and show its answer. It takes some seconds at most."""
        return cast(
            ShownTry,
            self._json("POST", f"/v1/apps/{quote_part(app)}/notifications/{quote_part(name)}/test"),
        )

    def list_roles(self, *, limit: int | None = None) -> Listed[Role, Roles]:
        """List the roles: those for all apps first, then by app, group and person."""
        return self._list("/v1/roles", "roles", {}, limit)

    def add_role(self, order: Mapping[str, object]) -> Role:
        """Give a role. If the holder has another one for the same app, it takes its place."""
        return cast(Role, self._json("POST", "/v1/roles", order=order))

    def remove_role(self, id: str) -> None:
        """Take a role away. It ends with this answer, also for those who have signed in."""
        self._call("DELETE", f"/v1/roles/{quote_part(id)}").close()

    def list_tokens(self, *, limit: int | None = None) -> Listed[Token, Tokens]:
        """List the tokens, by name, without their texts."""
        return self._list("/v1/tokens", "tokens", {}, limit)

    def add_token(self, order: Mapping[str, object]) -> NewToken:
        """Make a token. Only this answer has its text; it cannot be shown again."""
        return cast(NewToken, self._json("POST", "/v1/tokens", order=order))

    def remove_token(self, name: str) -> None:
        """Remove a token. Once this is answered, it allows nothing."""
        self._call("DELETE", f"/v1/tokens/{quote_part(name)}").close()

    def show_audit(self, *, limit: int | None = None) -> Listed[AuditEntry, AuditLog]:
        """List who did what, the newest first: the last thousand that this framework knows."""
        return self._list("/v1/audit", "entries", {}, limit)

    def show_signatures(self, *, app: str | None = None) -> Signatures:
        """List the records that none of the frameworks' tokens has signed. They are kept."""
        return cast(Signatures, self._json("GET", "/v1/signatures", query={"app": app}))
