"""Profiles: made by a registration, changed by their owners, read by everybody in parts."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from services.user.model import Profile, Rating, profile_not_found
from services.user.ports import Store


class ProfileWorkflows:
    """What is done with profiles."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def create(self, profile: Profile) -> None:
        """Makes the profile unless it is there. Runs inside the transaction of an event."""
        if await self._store.find_profile(profile.account_id) is None:
            await self._store.add_profile(profile)

    async def note_email(self, account_id: str, email: str) -> None:
        """The person has another address. Runs inside the transaction of an event; without a profile there is nothing to do."""
        profile = await self._store.find_profile(account_id)
        if profile is not None and profile.email != email:
            await self._store.save_profile(replace(profile, email=email))

    async def get(self, account_id: str) -> Profile:
        """Raises NotFound (PROFILE_NOT_FOUND)."""
        profile = await self._store.find_profile(account_id)
        if profile is None:
            raise profile_not_found()
        return profile

    async def change(self, account_id: str, values: Mapping[str, str | bool], etag: str) -> Profile:
        """The profile after the change. Raises NotFound, Conflict (PROFILE_CHANGED), InvalidInput (FIELD_UNKNOWN)."""

        async def apply() -> Profile:
            profile = await self.get(account_id)
            changed = profile.changed(values, etag)
            return profile if changed == profile else await self._store.save_profile(changed)

        return await self._store.transaction(apply)

    async def provider(self, provider_id: str) -> tuple[Profile, Rating]:
        """A provider and its rating. Raises NotFound (PROFILE_NOT_FOUND)."""
        found = await self.providers([provider_id])
        if not found:
            raise profile_not_found()
        return found[0]

    async def providers(self, provider_ids: Sequence[str]) -> list[tuple[Profile, Rating]]:
        """The providers that exist, in the order of the ids."""
        profiles = {each.account_id: each for each in await self._store.find_profiles(provider_ids) if each.is_provider}
        ratings = await self._store.find_ratings(provider_ids)
        return [(profiles[each], ratings.get(each, Rating(each))) for each in provider_ids if each in profiles]
