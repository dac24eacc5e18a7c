"""The waiting room: responses to visitors whose preview does not answer, or not yet.

Runs on the event loop. The pages as HTML are in pages/; held requests of programs are in held/.
"""
