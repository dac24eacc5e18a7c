"""Containers of previews and jobs, their volumes, logs, files and health checks.

Starting and ending run on the attempt's thread. Watching and following logs have their own threads.
"""
