"""Profiles: made by a registration, changed by their owners, read by everybody in parts."""

from collections.abc import Sequence
from dataclasses import replace

from services.user.model.profile import Audience, Profile, Values, profile_not_found
from services.user.model.rating import Rating
from services.user.ports import Engagements, Erasures, Profiles, Ratings, Transaction


class ProfileWorkflows:
    """What is done with profiles."""

    def __init__(
        self, transaction: Transaction, profiles: Profiles, ratings: Ratings, engagements: Engagements, erasures: Erasures
    ) -> None:
        self._transaction = transaction
        self._profiles = profiles
        self._ratings = ratings
        self._engagements = engagements
        self._erasures = erasures

    async def create(self, profile: Profile) -> None:
        """Makes the profile unless it is there, or the person was erased. Runs inside the transaction of an event."""
        if await self._erasures.is_erased(profile.account_id):
            return
        if await self._profiles.find(profile.account_id) is None:
            await self._profiles.add(profile)

    async def note_email(self, account_id: str, email: str) -> None:
        """The person has another address. Runs inside the transaction of an event; without a profile there is nothing to do."""
        profile = await self._profiles.find(account_id)
        if profile is not None and profile.email != email:
            await self._profiles.save(replace(profile, email=email))

    async def get(self, account_id: str) -> Profile:
        """Raises NotFound (PROFILE_NOT_FOUND)."""
        profile = await self._profiles.find(account_id)
        if profile is None:
            raise profile_not_found()
        return profile

    async def change(self, account_id: str, values: Values, etag: str) -> Profile:
        """The profile after the change. Raises NotFound, Conflict (PROFILE_CHANGED), InvalidInput (FIELD_UNKNOWN)."""

        async def apply() -> Profile:
            profile = await self.get(account_id)
            changed = profile.changed(values, etag)
            return profile if changed == profile else await self._profiles.save(changed)

        return await self._transaction(apply)

    async def provider(self, provider_id: str) -> tuple[Profile, Rating]:
        """A provider and its rating. Raises NotFound (PROFILE_NOT_FOUND)."""
        found = await self.providers([provider_id])
        if not found:
            raise profile_not_found()
        return found[0]

    async def providers(self, provider_ids: Sequence[str]) -> list[tuple[Profile, Rating]]:
        """The providers that exist, in the order of the ids."""
        profiles = {each.account_id: each for each in await self._profiles.find_all(provider_ids) if each.is_provider}
        ratings = await self._ratings.find_all(provider_ids)
        return [(profiles[each], ratings.get(each, Rating(each))) for each in provider_ids if each in profiles]

    async def person(self, account_id: str, viewer_id: str, *, is_admin: bool) -> tuple[Profile, Rating, Audience]:
        """A person, and what the viewer is to them. Raises NotFound (PROFILE_NOT_FOUND)."""
        profile = await self.get(account_id)
        rating = await self._ratings.find(account_id)
        if is_admin or viewer_id == account_id:
            return profile, rating, Audience.SELF
        is_active = await self._engagements.is_active_between(account_id, viewer_id)
        return profile, rating, Audience.COUNTERPART if is_active else Audience.ANYBODY
