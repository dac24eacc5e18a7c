"""`prevs data`: what branches keep from one commit to the next. Runs on the main thread."""
