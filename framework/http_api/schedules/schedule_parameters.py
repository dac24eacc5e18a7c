"""Parameters of the calls about schedules, as /docs shows them."""

from typing import Annotated

from fastapi import Path, Query

from framework.http_api.schedules.schedule_orders import LABEL

MOST_TIMES = 20
"""How many next times an answer may have."""

Name = Annotated[
    str, Path(description="A schedule's name.", examples=["nightly"], json_schema_extra=LABEL)
]
Count = Annotated[
    int, Query(ge=1, le=MOST_TIMES, description="How many times to return at most.", examples=[3])
]
