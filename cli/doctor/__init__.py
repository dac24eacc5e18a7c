"""`prevs doctor`: checks of every part, side by side, each with the next step."""
