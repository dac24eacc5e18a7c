"""Which agent has the volumes of a preview, and whose volumes it leaves behind. Pure."""

from prevs.records import PreviewRecord


def find_agent(preview: PreviewRecord) -> str | None:
    """Return the agent that has a preview's volumes; None if there are none: it has never run."""
    has_volumes = preview.settings is not None and preview.settings.run.has_volumes
    return preview.agent_id if has_volumes and preview.step_seconds else None


def find_left(preview: PreviewRecord, agent_id: str) -> str:
    """Return the host of the agent whose volumes a preview leaves if it starts on `agent_id`."""
    return "" if find_agent(preview) in (None, agent_id) else preview.agent_host or ""
