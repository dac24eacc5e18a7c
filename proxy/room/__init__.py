"""The waiting room: what visitors get who cannot be let in, or not yet."""
