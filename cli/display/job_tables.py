"""The tables of jobs."""

from collections.abc import Iterable, Mapping

from rich.table import Table
from rich.text import Text

from cli.client.generated.records import Commit, Job, JobDetail
from cli.display import job_sentences as sentences
from cli.display.columns import cell, new_details, new_table
from cli.display.sentences import ago, duration, shortened
from prevs import names

_SUBJECT = 60
_STYLES = {"running": "green", "succeeded": "green", "failed": "red", "cancelled": "dim"}


def jobs(listed: Iterable[Job], now: float) -> Table:
    """Return a row for each job."""
    table = new_table(
        "ID", "APP", "COMMIT", "STATE", "EXIT", "JOB", cut=("TOOK", "LABEL", "AGE"), prose="NOTES"
    )
    for job in listed:
        code = "" if job["exit_code"] is None else job["exit_code"]
        short = job["id"][: sentences.SHORT]
        cells = [short, job["app"], names.short(job["commit"]), state(job), code]
        cells += [sentences.what(job), sentences.took(job, now), job["label"]]
        cells += [ago(job["created"], now), sentences.notes(job)]
        table.add_row(*map(cell, cells))
    return table


def of_commits(listed: Iterable[Job], subjects: Mapping[str, str], now: float) -> Table:
    """Return a row for each job, named by its commit; `subjects` are by commit."""
    table = new_table("COMMIT", "STATE", "EXIT", "ID", cut=("TOOK", "SUBJECT"), prose="NOTES")
    for job in listed:
        code = "" if job["exit_code"] is None else job["exit_code"]
        cells = [names.short(job["commit"]), state(job), code, job["id"][: sentences.SHORT]]
        subject = shortened(subjects.get(job["commit"], ""), _SUBJECT)
        cells += [sentences.took(job, now), subject, sentences.notes(job)]
        table.add_row(*map(cell, cells))
    return table


def commit(one: Commit, now: float) -> Table:
    """Return the details of a commit."""
    return new_details(
        [
            ("subject", one["subject"]),
            ("author", one["author"]),
            ("committed", ago(one["committed"], now)),
            ("address", one["url"]),
        ]
    )


def suspects(listed: Iterable[Commit], jobs: Mapping[str, str | None], now: float) -> Table:
    """Return a row for each commit, with the id of its job; `jobs` are by commit."""
    table = new_table("COMMIT", "ID", cut=("AGE", "AUTHOR", "SUBJECT"))
    for one in listed:
        job_id = (jobs.get(one["sha"]) or "")[: sentences.SHORT]
        texts = [shortened(one["author"], 20), shortened(one["subject"], _SUBJECT)]
        cells = [names.short(one["sha"]), job_id, ago(one["committed"], now), *texts]
        table.add_row(*map(cell, cells))
    return table


def details(job: JobDetail, now: float) -> Table:
    """Return the details of a job and its ended attempts, one a row."""
    agent = job["agent"]
    retries = f"{job['failures']} of {job['retries']}" if job["retries"] else ""
    attempts = [sentences.describe_attempt(one, now) for one in job["attempts"]]
    return new_details(
        [
            ("id", job["id"]),
            ("app", job["app"]),
            ("commit", job["commit"]),
            ("label", job["label"]),
            ("job", job["name"] or ""),
            ("command", " ".join(job["command"])),
            ("state", state(job)),
            ("", sentences.notes(job)),
            ("exit code", "" if job["exit_code"] is None else job["exit_code"]),
            ("result", f"{job['result_size']:,} bytes" if job["result_size"] else ""),
            ("payload", f"{job['payload_size']:,} bytes" if job["payload_size"] else ""),
            ("took", sentences.took(job, now)),
            ("timeout", duration(round(job["timeout"]))),
            ("retries", retries),
            ("group", job["group"] or ""),
            ("schedule", sentences.origin(job)),
            ("callback", sentences.describe_callback(job, now)),
            ("agent", (agent["host"] or agent["id"]) if agent else ""),
            ("task", job["task_id"] or ""),
            ("requested", f"{ago(job['created'], now)} by {job['by']}"),
            *(("" if at else "attempts", one) for at, one in enumerate(attempts)),
        ]
    )


def state(job: Job) -> Text:
    """Return the state of a job in its colour."""
    return Text(job["state"], _STYLES.get(job["state"], "yellow"))
