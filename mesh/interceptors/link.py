"""What the links of the chain have in common: their shapes. A link wraps the rest of the chain for one method, once."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from google.protobuf.message import Message

from mesh.call import Call

if TYPE_CHECKING:
    from mesh.contract import MethodContract

Receive = Callable[[bytes, Call], Awaitable[bytes | None]]
"""Serves a request as it came. Gives the serialized response; None for a server stream: its messages are written as they come."""

Behaviour = Callable[[Message, Call], Awaitable[bytes | None]]
"""The same, of a request that has been decoded and found valid."""

OuterLink = Callable[["MethodContract", Receive], Receive]
InnerLink = Callable[["MethodContract", Behaviour], Behaviour]
