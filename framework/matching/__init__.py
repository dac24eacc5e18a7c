"""Who goes where: agents, their resources, and which waiting preview gets which offer.

Pure: a decision here is a function of values. scheduling/ carries it out.
"""
