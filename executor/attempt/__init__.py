"""One attempt, from a commit to the end of its container, from top to bottom in course.py.

What the container is for is in serve.py or work.py. Uses only ports.py. Runs on the attempt's
thread.
"""
