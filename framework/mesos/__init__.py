"""The edge to Mesos: the scheduler driver, and what the master tells of agents and of itself.

Callbacks run on the driver's thread and only put events into the inbox. No decision is here.
"""
