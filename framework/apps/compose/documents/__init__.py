"""From the files that a compose file consists of to one document. Pure.

It may have overrides, include other files, and have services that extend those of others.
"""

from framework.apps.compose.documents.files import Files
from framework.apps.compose.documents.whole import Documents

__all__ = ["Documents", "Files"]
