"""What the pages cost a visitor's browser, beside what they may cost."""
