"""One service of a compose file, whether it is the application or a companion. Pure."""

from framework.apps.compose.service.builds import Build
from framework.apps.compose.service.order import Dependency
from framework.apps.compose.service.service import Service, list_names

__all__ = ["Build", "Dependency", "Service", "list_names"]
