"""The contract and the code held against each other: what the protos promise, and who keeps it."""
