"""What the tables of a .prevs.toml have in common."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from framework.apps.manifest import rules
from prevs.declarations import MEMORY, SHARE

MOST_WORDS, MOST_VOLUMES, MOST_VARIABLES = 100, 10, 200

Text = Annotated[str, AfterValidator(rules.check_text)]
Vector = Annotated[
    list[Text], Field(min_length=1, max_length=MOST_WORDS), AfterValidator(rules.check_words)
]
"""A command as a list of words."""
Words = Annotated[Vector, BeforeValidator(rules.split_words)]
"""A command as a list of words, or as one text."""
Stage = Annotated[str, Field(max_length=128), AfterValidator(rules.check_stage)]
Volumes = Annotated[
    list[Annotated[str, AfterValidator(rules.check_volume)]],
    Field(max_length=MOST_VOLUMES),
    AfterValidator(rules.check_volumes),
]
Port = Annotated[int, Field(ge=1, le=65535)]
Kept = Annotated[str, AfterValidator(rules.check_keep)]
Cpus = Annotated[
    float, Field(ge=SHARE["least"], le=SHARE["most"]), AfterValidator(rules.check_cpus)
]
Mem = Annotated[int, Field(ge=MEMORY["least"]), AfterValidator(rules.check_mem)]


class Table(BaseModel):
    """A table of the file. Keys that it does not define are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
