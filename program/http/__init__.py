"""What the HTTP servers have in common.

Clients by their addresses, origins, cookies' domains, request ids, health checks and server-sent
events. Routes and pages belong to the programs. Runs on the event loop of whoever uses it.
"""
