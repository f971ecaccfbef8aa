"""Reading the audit trail."""

from datetime import datetime

from services.auth.model.audit import AuditEntry
from services.auth.ports.outside import Outside


class TrailWorkflows:
    """The use case of the audit trail."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    async def page(self, account_id: str, after: tuple[datetime, str] | None, limit: int) -> list[AuditEntry]:
        """An account's lines, newest first, after the one with this time and id."""
        return await self._outside.trail.page(account_id, after, limit)
