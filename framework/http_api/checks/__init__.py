"""What the API tells of a repository before it is an app."""
