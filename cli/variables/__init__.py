"""`prevs env`: the variables of an app's containers, and the files that they are read from."""
