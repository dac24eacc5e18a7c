"""The passes of visitors to previews that are not public. Pure; usable on any thread.

Not here: who may have a pass (the framework decides), and the check of each request (HAProxy).
"""
