"""Commands about the data of branches. They run on the thread of the service."""
