"""A person's address book, kept in the profile: every change of it is one of that document."""

from collections.abc import Callable
from dataclasses import replace

from services.user.model.address import Address, Book, find_address, with_address, with_default, with_replaced, without_address
from services.user.model.profile import Profile, profile_not_found
from services.user.ports import Profiles, Transaction


class AddressWorkflows:
    """What is done with addresses. Everything raises NotFound (PROFILE_NOT_FOUND) where there is no profile."""

    def __init__(self, transaction: Transaction, profiles: Profiles) -> None:
        self._transaction = transaction
        self._profiles = profiles

    async def all(self, account_id: str) -> Book:
        """The default one first."""
        return (await self._get(account_id)).addresses

    async def add(self, account_id: str, address: Address) -> Book:
        """Raises LimitReached (ADDRESS_LIMIT_REACHED)."""
        return await self._change(account_id, lambda book: with_address(book, address))

    async def put(self, account_id: str, address: Address) -> Book:
        """Raises NotFound (ADDRESS_NOT_FOUND)."""
        return await self._change(account_id, lambda book: with_replaced(book, address))

    async def make_default(self, account_id: str, address_id: str) -> Book:
        """Raises NotFound (ADDRESS_NOT_FOUND)."""
        return await self._change(account_id, lambda book: with_default(book, address_id))

    async def remove(self, account_id: str, address_id: str) -> Book:
        """Removes it if it is there."""
        return await self._change(account_id, lambda book: without_address(book, address_id))

    async def _get(self, account_id: str) -> Profile:
        profile = await self._profiles.find(account_id)
        if profile is None:
            raise profile_not_found()
        return profile

    async def _change(self, account_id: str, change: Callable[[Book], Book]) -> Book:
        async def apply() -> Book:
            profile = await self._get(account_id)
            book = change(profile.addresses)
            if book != profile.addresses:
                await self._profiles.save(replace(profile, addresses=book))
            return book

        return await self._transaction(apply)


def entry_of(book: Book, address_id: str) -> tuple[Address, bool]:
    """An address and whether it is the default. Raises NotFound (ADDRESS_NOT_FOUND)."""
    address = find_address(book, address_id)
    return address, address is book[0]
