"""The bounded contexts, one package each. They never import each other: they talk over their contracts."""
