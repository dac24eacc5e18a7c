"""A compose file of a commit: from its bytes to the tables of a .prevs.toml. Pure.

It reads the part of the format that prevs can run; everything else is a mistake with its line.
"""

from framework.apps.compose.reader import Compose, Place, read

__all__ = ["Compose", "Place", "read"]
