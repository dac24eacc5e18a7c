"""The answer with what a job's command left. Whoever wrote it may be a stranger."""

from starlette.responses import Response


def answer(job_id: str, data: bytes) -> Response:
    """Return the answer with a result, which no browser takes for a page."""
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="{job_id}"',
        "X-Content-Type-Options": "nosniff",
    }
    return Response(data, headers=headers, media_type="application/octet-stream")
