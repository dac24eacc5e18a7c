"""What describes a commit: its .prevs.toml, a compose file, a Dockerfile or a recipe. Pure."""

from framework.apps.description.reader import Description, read
from framework.apps.description.unrecognised import NotDescribed

__all__ = ["Description", "NotDescribed", "read"]
