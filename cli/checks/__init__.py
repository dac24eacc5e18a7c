"""`prevs app check`: what would become of a repository, before it is an app."""
