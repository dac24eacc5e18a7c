"""What describes a commit: its .prevs.toml, a compose file, a Dockerfile or a recipe. Pure."""

from framework.apps.description.check import Checked, Note, check
from framework.apps.description.reader import Asked, Description, read
from framework.apps.description.unrecognised import LOOKED_FOR, NotDescribed

__all__ = ["LOOKED_FOR", "Asked", "Checked", "Description", "NotDescribed", "Note", "check", "read"]
