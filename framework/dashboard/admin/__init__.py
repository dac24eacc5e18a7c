"""The pages for admins alone: settings, variables, forge and credential of apps; tokens; the audit.

Runs on the event loop. Each form does what a call of the API does, by the same command of the
service, under the same name in the audit log.
"""
