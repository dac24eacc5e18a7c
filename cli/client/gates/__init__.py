"""The calls about gates, and the types of their answers."""
