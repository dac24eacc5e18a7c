"""What forges have published: descriptions of their APIs, examples of webhooks, and clients.

`make packages-test` fetches it from npm, in the versions of package-lock.json.
"""

from pathlib import Path

FOLDER = Path(__file__).parents[2] / ".cache" / "published"
MODULES = FOLDER / "node_modules"
