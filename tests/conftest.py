"""What all tests share: the real servers that they run on, and the harness that serves one service."""

pytest_plugins = ["tests.support.infrastructure", "tests.support.service"]
