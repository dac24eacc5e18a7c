"""What the proxy knows about previews, routes and usage, and the problems that it reports.

Pure. How HAProxy gets the routes is in haproxy/.
"""
