"""The whole system on one machine, every part real: what `prevs local` does.

It listens on loopback only. docs/operating/install.md sets up a cluster of several machines.
"""
