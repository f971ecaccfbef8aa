"""What booking says and is told, in the contract's messages and in the model's words."""
