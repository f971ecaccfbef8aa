"""The cells of the matrix: who calls what, on which thing, and what the contract alone says comes of it."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from google.protobuf.message import Message

from mesh.contract import MethodContract
from tests.journeys.cast import ROLES, Cast, Thing
from tests.support.calls import Caller, Outcome
from tests.support.requests import sample

_AT_ONCE = 16
CHANGING_THE_CAST = frozenset(
    {
        *("RevokeSession", "RevokeOtherSessions", "ReAuthenticate", "ReAuthenticateWithPasskey"),
        *("ChangePassword", "ChangeEmail", "SendVerification", "EraseMyAccount"),
        *("EnrolTotp", "ConfirmTotp", "DisableTotp", "ReplaceRecoveryCodes"),
        *("BeginPasskeyRegistration", "AddPasskey", "RemovePasskey"),
        *("LockAccount", "UnlockAccount", "SetRoles"),
    }
)
"""What would change who the people are that call, or how: who may not is tried here, who may in tests/services/auth."""
_FIRST = ("DeclineOffer", "unwanted")  # what others would take away
_LAST = ("CompleteWork", "DeclineOffer", "CancelBooking", "RemoveAddress", "LogOut", "EraseMe")  # what takes away from others


@dataclass(frozen=True)
class Cell:
    """One call: who, what, on which thing, by which door."""

    method: MethodContract
    who: str
    thing: Thing
    door: str

    def __str__(self) -> str:
        return f"{self.method.name} as {self.who} on {self.thing.state} by {self.door}"

    @property
    def expected(self) -> str:
        """The refusal that the contract asks for; empty when it allows the call."""
        needed, roles = self.method.roles, ROLES[self.who]
        if self.who == "anonymous":
            return "UNAUTHENTICATED" if needed else ""
        if needed and needed.isdisjoint(roles):
            return "PERMISSION_DENIED"
        is_owner = self.who in self.thing.owners or "admin" in needed & roles
        return "" if is_owner else "NOT_FOUND"

    def request(self, cast: Cast, named: str = "") -> Message:
        """A valid request that names the thing, or another one."""
        field = self.method.owner_field
        return sample(self.method, cast.scene.place, cast.named | ({field: named or self.thing.id} if field else {}))


def cells(cast: Cast, methods: Sequence[MethodContract], doors: Sequence[str]) -> Iterator[Cell]:
    """Every cell of these methods and doors. Raises KeyError where nothing is known of an owner kind or an id."""
    for method in methods:
        for thing in cast.things(method):
            for who in ROLES:
                yield from (Cell(method, who, thing, door) for door in doors)


async def try_all(caller: Caller, cast: Cast, wanted: Sequence[Cell], *, is_made_up: bool = False) -> dict[Cell, Outcome]:
    """The outcome of each; made up: of the same call with the id of a thing that there is not."""
    turns = asyncio.Semaphore(_AT_ONCE)

    async def one(cell: Cell) -> tuple[Cell, Outcome]:
        named = re.sub("_.*", "_" + "0" * 26, cell.thing.id) if is_made_up else ""
        async with turns:
            return cell, await caller.call(cell.door, cell.method, cell.request(cast, named), cast.token(cell.who))

    return dict(await asyncio.gather(*map(one, wanted)))


def wrong(outcomes: dict[Cell, Outcome]) -> list[str]:
    """Those that are not what the contract says. Who may is answered, be it that the thing's state does not allow it."""
    answers = {"OK", "FAILED_PRECONDITION", "ABORTED"}
    return [
        f"{cell}: {each}" for cell, each in outcomes.items() if each.code not in ({cell.expected} if cell.expected else answers)
    ]


def turn(cell: Cell) -> int:
    """When the cell is tried among those that change something."""
    if (cell.method.name, cell.thing.state) == _FIRST:
        return -2
    return _LAST.index(cell.method.name) if cell.method.name in _LAST else -1
