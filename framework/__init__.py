"""The Mesos scheduler: the only program that decides, and the only one that writes the records."""
