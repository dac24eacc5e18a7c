"""A compose file of a commit: from its bytes to the settings that it means. Pure.

What has no effect in a preview is a note; what leaves the preview, or is wrong, is a mistake. Each
has its line.
"""

from framework.apps.compose.reader import Around, Text, read
from framework.apps.compose.translation import Beside, Compose, Place

__all__ = ["Around", "Beside", "Compose", "Place", "Text", "read"]
