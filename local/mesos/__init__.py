"""A real Apache Mesos 1.11 on one machine: downloaded, built, started as processes of its own."""
