"""Logs, events and labels, followed and looked up for many readers at a time.

Runs beside the event loop where it blocks.
"""
