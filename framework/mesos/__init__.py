"""The edge to Mesos: the scheduler driver, and what the master reports about agents and itself.

Callbacks run on the driver's thread and only put events into the inbox. Nothing is decided here.
"""
