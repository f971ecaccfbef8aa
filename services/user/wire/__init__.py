"""What the contract says, in user's own words, and back."""
