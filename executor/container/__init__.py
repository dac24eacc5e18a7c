"""Containers of previews, their network, volumes, logs and health checks.

Starting and ending run on the attempt's thread. Watching and following logs have their own threads.
"""
