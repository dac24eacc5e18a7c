"""`make bench-jobs-lost`: what becomes of jobs while parts of a queue are killed."""
