"""Profiles and the address books in them."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any, ClassVar

import mongoengine

from mesh.storage.documents import StoredDocument
from mesh.storage.mongo import Database
from services.user.model.address import Address, Place
from services.user.model.profile import Profile
from services.user.wire.events import profile_changed


class ProfileDocument(StoredDocument):
    """A person; the id is the account's."""

    meta: ClassVar[dict[str, Any]] = {"collection": "profiles"}

    display_name: Any = mongoengine.StringField(required=True)
    email: Any = mongoengine.StringField(required=True)
    locale: Any = mongoengine.StringField(required=True)
    time_zone: Any = mongoengine.StringField(required=True)
    is_customer: Any = mongoengine.BooleanField(required=True)
    is_provider: Any = mongoengine.BooleanField(required=True)
    email_enabled: Any = mongoengine.BooleanField(required=True)
    about: Any = mongoengine.StringField()
    languages: Any = mongoengine.ListField(mongoengine.StringField())
    phone: Any = mongoengine.StringField()
    is_verified: Any = mongoengine.BooleanField(default=False)
    addresses: Any = mongoengine.ListField(mongoengine.DictField())  # the default one first


class StoredProfiles:
    """The port Profiles on this service's database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._profiles = database.collection(ProfileDocument)

    async def find(self, account_id: str) -> Profile | None:
        found = await self._profiles.get(account_id)
        return None if found is None else _profile(found)

    async def find_all(self, account_ids: Sequence[str]) -> list[Profile]:
        return [_profile(found) for found in await self._profiles.find({"_id": {"$in": list(account_ids)}})]

    async def add(self, profile: Profile) -> None:
        await self._profiles.insert(_document(profile))
        await self._database.publish(profile_changed(profile))

    async def save(self, profile: Profile) -> Profile:
        document = _document(profile)
        await self._profiles.replace(document)
        await self._database.publish(profile_changed(profile))
        return replace(profile, version=document.version)


def _profile(found: ProfileDocument) -> Profile:
    return Profile(
        account_id=found.id,
        display_name=found.display_name,
        email=found.email,
        locale=found.locale,
        time_zone=found.time_zone,
        is_customer=found.is_customer,
        is_provider=found.is_provider,
        email_enabled=found.email_enabled,
        about=found.about or "",
        languages=tuple(found.languages),
        phone=found.phone or "",
        addresses=tuple(_address(each) for each in found.addresses),
        is_verified=bool(found.is_verified),
        version=found.version,
    )


def _address(values: dict[str, Any]) -> Address:
    return Address(values["address_id"], values["label"], Place(**values["place"]))


def _document(profile: Profile) -> ProfileDocument:
    values = asdict(profile)
    lists = {name: list(values.pop(name)) for name in ("languages", "addresses")}
    return ProfileDocument(id=values.pop("account_id"), **values, **lists)
