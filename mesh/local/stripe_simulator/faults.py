"""What a test may make the simulator do wrong."""

import asyncio
from dataclasses import dataclass, field, fields

from mesh.local.stripe_simulator.journal import JsonObject


@dataclass
class Faults:
    """Each field can be set by its name over the control path."""

    fail_next: int = 0
    """As many calls are answered with 500 before anything is executed."""
    drop_reply_next: int = 0
    """As many calls are executed, and the connection is closed in place of an answer."""
    delay_seconds: float = 0.0
    """Every call takes this much longer, after its idempotency key was taken into use."""
    duplicate_webhooks: bool = False
    """Every event is sent twice."""
    hold_webhooks: bool = False
    """Events are kept until this is taken back."""
    webhook_url: str = ""
    """Where events are sent; empty keeps them."""
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition, repr=False)

    async def set(self, wanted: JsonObject) -> None:
        """Sets the named fields. Raises ValueError that names what is not one, or has a value of another type."""
        types = {each.name: type(getattr(self, each.name)) for each in fields(self) if not each.name.startswith("_")}
        for name, value in wanted.items():
            expected = types.get(name)
            if expected is None:
                raise ValueError(f"{name} is none of {', '.join(types)}")
            if type(value) is not expected and not (expected is float and type(value) is int):
                raise ValueError(f"{name} must be of type {expected.__name__}")
        async with self._changed:
            for name, value in wanted.items():
                setattr(self, name, value)
            self._changed.notify_all()

    def told(self) -> JsonObject:
        """The fields by name."""
        return {each.name: getattr(self, each.name) for each in fields(self) if not each.name.startswith("_")}

    def take(self, name: str) -> bool:
        """Whether a call is to suffer this fault, which then has one call less to go."""
        left: int = getattr(self, name)
        if left:
            setattr(self, name, left - 1)
        return left > 0

    async def until_webhooks_flow(self) -> str:
        """Returns where to send events as soon as they are not held."""
        async with self._changed:
            await self._changed.wait_for(lambda: bool(self.webhook_url) and not self.hold_webhooks)
            return self.webhook_url
