"""What is measured, as commands: each prints what it found, and one line of JSON at the end."""
