"""The calls about the data of branches. Writes run on the thread of the service."""
