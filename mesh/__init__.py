"""What every service stands on; it knows no service."""

from mesh.lean import without

with without("rich", "better_exceptions"):
    import structlog  # noqa: F401 - before anybody else does, and then with everything that it finds
