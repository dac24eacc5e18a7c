"""The proxy: HAProxy, the controller that configures it from placements, and the waiting room.

HAProxy forwards the requests of previews that have a placement; no Python code is in their path.
The controller only reads ZooKeeper, and never decides what runs. The waiting room calls the
framework to start previews.
"""
