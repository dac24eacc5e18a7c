"""Commands about the variables of apps. They run on the thread of the service."""
