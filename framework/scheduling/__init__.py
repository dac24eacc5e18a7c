"""Offers taken, previews placed, idle ones stopped, agents left for maintenance.

Owned by the service's thread. Which goes where is decided in matching/.
"""
