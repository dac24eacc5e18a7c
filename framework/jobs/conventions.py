"""Other ways to tell a command what it works on, beside our own variables. Pure.

What a command learns has the id of its job. So it follows from the record at each attempt, and is
not stored with what the job was given: a retry is another job.
"""

import dataclasses

from prevs.work import FOLDER, PAYLOAD_FILE, Work

IRONWORKER = "ironworker"
"""As the worker side of IronWorker's libraries finds it: variables, and arguments at the end."""


def tell(work: Work, convention: str) -> Work:
    """Return the work with what a convention adds; "" adds nothing."""
    if convention != IRONWORKER:
        return work
    arguments = ["-id", work.job, "-d", FOLDER]
    variables = {"TASK_ID": work.job, "TASK_DIR": FOLDER}
    if work.payload is not None:
        arguments += ["-payload", PAYLOAD_FILE]
        variables["PAYLOAD_FILE"] = PAYLOAD_FILE
    return dataclasses.replace(work, command=(*work.command, *arguments), variables=variables)
