"""A stand-in for the http-parser distribution: what pymesos calls of it, on h11."""
