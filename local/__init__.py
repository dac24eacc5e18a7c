"""The whole system on one machine, every part real: what `prevs local` does.

It listens on loopback only, and runs on the main thread of the command or of the supervisor.
docs/operating/install.md sets up a cluster of several machines.
"""
