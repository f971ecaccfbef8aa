"""What the contract says, in auth's own words, and back."""
