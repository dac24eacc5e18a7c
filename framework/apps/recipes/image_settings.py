"""The setting for the base images of recipes."""

from pydantic import Field, field_validator

from framework.apps.recipes import images
from program.settings.environment import EnvironmentSettings

_TABLE = ", ".join(
    f"`{kind}` (`{images.OFFICIAL.choose(kind).reference}`)" for kind in images.DEFAULTS
)


class ImageSettings(EnvironmentSettings):
    """Which images an operator has for recipes instead of the official ones."""

    recipe_images: str = Field(
        default="",
        description="The base images of the Dockerfiles that prevs writes: `KIND=IMAGE`, separated "
        "by commas, each with a tag or a digest; `{version}` in one is the version that a commit "
        f"asks for. Kinds, with what they usually have: {_TABLE}. Every framework needs the "
        "same.",
        examples=["node=registry.example.org/node:{version},static=registry.example.org/caddy:2"],
    )

    @field_validator("recipe_images")
    @classmethod
    def _check_images(cls, value: str) -> str:
        images.parse(value)
        return value

    def base_images(self) -> images.BaseImages:
        """Return the base images of recipes."""
        return images.parse(self.recipe_images)
