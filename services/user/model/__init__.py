"""What user knows of people, and the rules of it. Pure."""
