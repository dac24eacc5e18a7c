"""`prevs doctor`: every part that matters, looked at side by side, with what to do about each."""
