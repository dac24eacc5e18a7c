"""The tables of jobs."""

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from cli.client.jobs import Job
from cli.display import job_sentences as sentences
from cli.display.columns import cell, new_details, new_table
from cli.display.sentences import ago, duration
from prevs import names

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


def details(job: Job, now: float) -> Table:
    """Return the details of a job and its ended attempts, one a row."""
    agent = job["agent"]
    retries = f"{job['failures']} of {job['retries']}" if job["retries"] else ""
    attempts = [sentences.describe_attempt(one, now) for one in job.get("attempts", [])]
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
            ("agent", (agent["host"] or agent["id"]) if agent else ""),
            ("task", job["task_id"] or ""),
            ("requested", f"{ago(job['created'], now)} by {job['by']}"),
            *(("" if at else "attempts", one) for at, one in enumerate(attempts)),
        ]
    )


def state(job: Job) -> Text:
    """Return the state of a job in its colour."""
    return Text(job["state"], _STYLES.get(job["state"], "yellow"))
