"""What forges and IronWorker have published: descriptions, examples of webhooks, and clients.

`make packages-test` fetches it from npm and PyPI, in the versions of package-lock.json and
requirements.txt.
"""

from pathlib import Path

FOLDER = Path(__file__).parents[2] / ".cache" / "published"
MODULES = FOLDER / "node_modules"
PYTHON = FOLDER / "python"
"""For the PYTHONPATH of a client's program."""
