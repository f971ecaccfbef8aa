"""Passkeys in MongoDB, their challenges in Redis: an answer counts once and within minutes."""

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any, ClassVar

import mongoengine
from redis.asyncio import Redis

from mesh.ids import new_id
from mesh.storage.documents import StoredDocument
from mesh.storage.mongo import Database, DuplicateKey
from services.auth.model.passkeys import KeptChallenge, NewCredential, Passkey, invalid_passkey

_CHALLENGE_BYTES = 32
_CHALLENGE_SECONDS = 300


class PasskeyDocument(StoredDocument):
    """A passkey."""

    meta: ClassVar[dict[str, Any]] = {
        "collection": "passkeys",
        "indexes": [("account_id",), {"fields": ("credential_id",), "unique": True}],
    }

    account_id: Any = mongoengine.StringField(required=True)
    credential_id: Any = mongoengine.StringField(required=True)
    public_key: Any = mongoengine.BinaryField(required=True)
    sign_count: Any = mongoengine.LongField(required=True)
    name: Any = mongoengine.StringField()
    create_time: Any = mongoengine.DateTimeField(required=True)
    last_use_time: Any = mongoengine.DateTimeField()


class StoredPasskeys:
    """The port Passkeys."""

    def __init__(self, database: Database) -> None:
        self._passkeys = database.collection(PasskeyDocument)

    async def of(self, account_id: str) -> list[Passkey]:
        found = await self._passkeys.find({"account_id": account_id}, sort=[("create_time", 1), ("_id", 1)])
        return [_passkey(each) for each in found]

    async def find(self, credential_id: str) -> Passkey | None:
        found = await self._passkeys.find_one({"credential_id": credential_id})
        return None if found is None else _passkey(found)

    async def add(self, passkey: Passkey) -> None:
        try:
            await self._passkeys.insert(_document(passkey))
        except DuplicateKey:
            raise invalid_passkey() from None

    async def save(self, passkey: Passkey) -> None:
        await self._passkeys.replace(_document(passkey))

    async def get(self, passkey_id: str) -> Passkey | None:
        found = await self._passkeys.get(passkey_id)
        return None if found is None else _passkey(found)

    async def remove(self, passkey: Passkey) -> None:
        await self._passkeys.delete({"_id": passkey.passkey_id})

    async def erase(self, account_id: str) -> None:
        await self._passkeys.delete({"account_id": account_id})


class KeptChallenges:
    """The port Challenges."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def keep(self, account_id: str) -> tuple[str, bytes]:
        challenge_id, challenge = new_id("chl"), secrets.token_bytes(_CHALLENGE_BYTES)
        value = f"{account_id}.{urlsafe_b64encode(challenge).decode()}"
        await self._redis.set(_key(challenge_id), value, ex=_CHALLENGE_SECONDS)
        return challenge_id, challenge

    async def take(self, challenge_id: str) -> KeptChallenge | None:
        found = await self._redis.getdel(_key(challenge_id))
        if not isinstance(found, bytes):
            return None
        account_id, _, challenge = found.decode().partition(".")
        return KeptChallenge(account_id, urlsafe_b64decode(challenge))


def _key(challenge_id: str) -> str:
    return f"auth:passkey-challenge:{challenge_id}"


def _document(passkey: Passkey) -> PasskeyDocument:
    return PasskeyDocument(
        id=passkey.passkey_id,
        account_id=passkey.account_id,
        credential_id=passkey.credential.credential_id,
        public_key=passkey.credential.public_key,
        sign_count=passkey.credential.sign_count,
        name=passkey.name or None,
        create_time=passkey.create_time,
        last_use_time=passkey.last_use_time,
        version=passkey.version,
    )


def _passkey(found: PasskeyDocument) -> Passkey:
    return Passkey(
        passkey_id=found.id,
        account_id=found.account_id,
        credential=NewCredential(found.credential_id, bytes(found.public_key), found.sign_count),
        name=found.name or "",
        create_time=found.create_time,
        last_use_time=found.last_use_time,
        version=found.version,
    )
