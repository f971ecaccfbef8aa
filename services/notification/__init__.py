"""What people are told: the in-app inbox, and e-mail in the reader's language."""
