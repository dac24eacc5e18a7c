"""The Mesos scheduler: the only program that decides, and the only writer of the records."""
