"""`make bench-jobs`: jobs beside docker by hand, Celery and RQ, and what places them alone."""
