"""What a preview takes of its agent: in all, and each of its containers."""

from collections.abc import Sequence

from cli.client.api_types import Preview


def rows(preview: Preview) -> Sequence[tuple[str, object]]:
    """Return a preview's resources and its port, and those of each container if it has several."""
    if "mem" not in preview:
        return ()
    whole = f"{_amount(preview['cpus'], preview['mem'])}, port {preview['port']}"
    containers = preview.get("containers", [])
    each = [
        f"{one['name']}{' ' if one['image'] else ''}{one['image']}: "
        f"{_amount(one['cpus'], one['mem'])}"
        for one in containers
    ]
    return [("runs with", whole), *(("", one) for one in each if len(each) > 1)]


def _amount(cpus: float, mem: int) -> str:
    return f"{cpus:g} CPUs, {mem} MB"
