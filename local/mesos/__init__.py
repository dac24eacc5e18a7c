"""A real Apache Mesos 1.11 on one machine: downloaded, built, run as parts, announced.

The master and the agents are processes of their own. What runs on them is not known here. Calls
block on the main thread, except for kazoo's own thread in announcement.py.
"""
