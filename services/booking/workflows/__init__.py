"""The use cases of booking, one a file. Each takes the ports and says in its docstring what it raises."""
