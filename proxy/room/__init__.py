"""The waiting room: responses to visitors whose preview does not answer, or not yet."""
