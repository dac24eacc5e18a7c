"""The answers with what a job's command left. Whoever wrote it may be a stranger."""

from urllib.parse import quote

from starlette.responses import Response

MEDIA_TYPE = "application/octet-stream"


def answer(job_id: str, data: bytes) -> Response:
    """Return the answer with a result, which no browser takes for a page."""
    return Response(data, headers=attach(job_id), media_type=MEDIA_TYPE)


def attach(name: str) -> dict[str, str]:
    """Return the headers with which a browser saves an answer as a file, and does nothing else."""
    quoted = quote(name, safe="")
    named = f'filename="{name}"' if quoted == name else f"filename*=UTF-8''{quoted}"
    return {
        "Cache-Control": "no-store",
        "Content-Disposition": f"attachment; {named}",
        "X-Content-Type-Options": "nosniff",
    }
