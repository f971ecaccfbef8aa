"""A booking's way through all eight services, walked from outside by the doors that real clients use."""
