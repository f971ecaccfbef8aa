"""Where a call comes from, and who makes it."""

from dataclasses import dataclass

_LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class Origin:
    """The client's network address and what its program calls itself; empty where that is not known."""

    address: str = ""
    user_agent: str = ""

    def device_name(self, given: str) -> str:
        """What the person calls the device, or else what its program calls itself."""
        return (given.strip() or self.user_agent)[:_LONGEST_NAME]


NOWHERE = Origin()


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody with a good access token."""

    account_id: str
    session_id: str
    origin: Origin
    is_admin: bool = False
