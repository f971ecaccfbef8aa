"""Whom a person wants to find again, and whom never."""

from mesh.clock import Clock
from services.user.model.profile import profile_not_found
from services.user.model.relation import Block, Favourite, check_block
from services.user.ports import After, Blocks, Favourites, Profiles, Transaction


class FavouriteWorkflows:
    """What is done with favourites."""

    def __init__(self, transaction: Transaction, profiles: Profiles, favourites: Favourites, clock: Clock) -> None:
        self._transaction = transaction
        self._profiles = profiles
        self._favourites = favourites
        self._clock = clock

    async def add(self, account_id: str, provider_id: str) -> None:
        """Raises NotFound (PROFILE_NOT_FOUND) when there is no such provider."""

        async def keep() -> None:
            provider = await self._profiles.find(provider_id)
            if provider is None or not provider.is_provider:
                raise profile_not_found()
            await self._favourites.add(Favourite(account_id, provider_id, self._clock.now()))

        await self._transaction(keep)

    async def remove(self, account_id: str, provider_id: str) -> None:
        """Removes it if it is there."""
        await self._favourites.remove(account_id, provider_id)

    async def page(self, account_id: str, after: After, limit: int) -> list[Favourite]:
        """The last one added first."""
        return await self._favourites.page(account_id, after, limit)


class BlockWorkflows:
    """What is done with blocks."""

    def __init__(self, transaction: Transaction, profiles: Profiles, blocks: Blocks, clock: Clock) -> None:
        self._transaction = transaction
        self._profiles = profiles
        self._blocks = blocks
        self._clock = clock

    async def block(self, blocker_id: str, blocked_id: str) -> None:
        """Raises NotFound (PROFILE_NOT_FOUND), InvalidInput (BLOCK_OF_SELF), LimitReached (BLOCK_LIMIT_REACHED)."""

        async def keep() -> None:
            known = await self._known(blocker_id, blocked_id)
            if known.is_blocked:
                return
            check_block(blocker_id, blocked_id, await self._blocks.count(blocker_id))
            if await self._profiles.find(blocked_id) is None:
                raise profile_not_found()
            await self._blocks.save(known.changed(is_blocked=True, now=self._clock.now()))

        await self._transaction(keep)

    async def unblock(self, blocker_id: str, blocked_id: str) -> None:
        """Ends the block if there is one."""

        async def end() -> None:
            known = await self._known(blocker_id, blocked_id)
            if known.is_blocked:
                await self._blocks.save(known.changed(is_blocked=False, now=self._clock.now()))

        await self._transaction(end)

    async def page(self, blocker_id: str, after: After, limit: int) -> list[Block]:
        """The last one first."""
        return await self._blocks.page(blocker_id, after, limit)

    async def _known(self, blocker_id: str, blocked_id: str) -> Block:
        known = await self._blocks.find(blocker_id, blocked_id)
        return known or Block(blocker_id, blocked_id, is_blocked=False, change_time=self._clock.now())
