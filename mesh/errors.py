"""The kinds of failure that a caller can be told of. Knows nothing of gRPC: mesh/interceptors/errors.py maps kinds to statuses.

Each raise carries a stable reason from the service's error_reason.proto, one sentence for a person, and metadata that is safe to
show to the caller.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One field of a request that is not acceptable: its dotted path and one sentence why."""

    field: str
    description: str


class MeshError(Exception):
    """Base of everything that may be told to a caller.

    reason: UPPER_SNAKE_CASE, from the service's error_reason.proto without the enum's prefix.
    message: one sentence for a person; it reaches the client verbatim.
    metadata: short facts for programs; reaches the client verbatim.
    retry_after_seconds: when trying again makes sense; absent when unknown.
    domain: whose reason it is, "<service>.marketplace"; empty for the mesh's reasons and this service's own.
    """

    def __init__(
        self,
        reason: str,
        message: str,
        metadata: Mapping[str, str] | None = None,
        *,
        violations: tuple[FieldViolation, ...] = (),
        retry_after_seconds: float | None = None,
        domain: str = "",
    ) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message
        self.metadata = dict(metadata or {})
        self.violations = violations
        self.retry_after_seconds = retry_after_seconds
        self.domain = domain


class InvalidInput(MeshError):
    """The request is wrong in itself, whatever the state of the system (INVALID_ARGUMENT)."""


class Unauthenticated(MeshError):
    """The caller is not known (UNAUTHENTICATED)."""


class Forbidden(MeshError):
    """The caller is known and may not do this (PERMISSION_DENIED)."""


class NotFound(MeshError):
    """There is no such thing, or the caller may not know of it (NOT_FOUND)."""


class AlreadyExists(MeshError):
    """The thing to be created is there already (ALREADY_EXISTS)."""


class Conflict(MeshError):
    """Somebody else changed it at the same time; read it again and decide anew (ABORTED)."""


class NotAllowedNow(MeshError):
    """The state of the resource does not allow this; repeating it will not help (FAILED_PRECONDITION)."""


class LimitReached(MeshError):
    """A quota or a rate is used up (RESOURCE_EXHAUSTED)."""


class Unavailable(MeshError):
    """Something that is needed does not answer; the same call may succeed later (UNAVAILABLE)."""


class DeadlinePassed(MeshError):
    """The time for this call is over (DEADLINE_EXCEEDED)."""
