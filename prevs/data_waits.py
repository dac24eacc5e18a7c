"""What an executor says when its attempt waits for data, and the framework acts upon. Details."""

THEY_SHARE_ITS_DATA = "they share its data"
"""Whoever has the data of the branch must stop."""
ITS_DATA_ARE_COPIED = "its data are copied"
"""Whoever has the data of the other branch must stop meanwhile."""
