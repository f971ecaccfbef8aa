"""What all tests share: the real servers that they run on, and the harness that serves one service."""

from importlib.util import find_spec

from mesh.local.stack import SERVICES

pytest_plugins = ["tests.support.infrastructure", "tests.support.service"]

# Journeys need the whole house: they are collected as soon as every service of the contract has its package.
collect_ignore = [] if all(find_spec(f"services.{name}") for name in SERVICES) else ["journeys"]
