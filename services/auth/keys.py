"""The keys that sign access tokens: one a day, published a day before it signs and a day after, encrypted where they lie."""

from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import jwt
import mongoengine
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from mesh.errors import Unavailable
from mesh.ids import derived_id
from mesh.storage.documents import StoredDocument
from mesh.storage.mongo import Database, DuplicateKey

_PERIOD_SECONDS = 24 * 3600
_CURRENT = "current"


class SigningKeyDocument(StoredDocument):
    """One day's key. Its id, the `kid`, follows from day and series, so that all replicas have the same one."""

    meta: ClassVar[dict[str, Any]] = {"collection": "signing_keys", "indexes": [("period",)]}

    period: Any = mongoengine.IntField(required=True)
    series: Any = mongoengine.IntField()  # absent: 0
    encrypted: Any = mongoengine.BinaryField(required=True)


class KeySeriesDocument(StoredDocument):
    """Which series of keys counts; absent: 0. Each emergency begins another one."""

    meta: ClassVar[dict[str, Any]] = {"collection": "signing_key_series"}

    series: Any = mongoengine.IntField(required=True)


def derive(secret: str, purpose: str) -> bytes:
    """32 bytes for one purpose [HKDF, RFC 5869]."""
    return HKDF(hashes.SHA256(), 32, None, purpose.encode()).derive(secret.encode())


class KeyChain:
    """Yesterday's, today's and tomorrow's key. `refresh` has to have run once before anything else."""

    def __init__(self, database: Database, secret: str) -> None:
        self._database = database
        self._documents = database.collection(SigningKeyDocument)
        self._series = database.collection(KeySeriesDocument)
        self._clock = database.clock
        self._cipher = Fernet(urlsafe_b64encode(derive(secret, "signing keys")))
        self._keys: dict[int, tuple[str, Ed25519PrivateKey]] = {}

    def signing_key(self) -> tuple[str, Ed25519PrivateKey]:
        """Today's key and its id. Raises Unavailable while the database has kept it from being made."""
        key = self._keys.get(self._today())
        if key is None:
            raise Unavailable("DEPENDENCY_UNAVAILABLE", "Tokens cannot be signed right now.", retry_after_seconds=1)
        return key

    async def public_keys(self) -> Sequence[Mapping[str, object]]:
        """The keys that verify tokens now, as JSON Web Keys [RFC 8037]."""
        algorithm = jwt.algorithms.OKPAlgorithm()
        return [
            algorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": key_id, "alg": "EdDSA", "use": "sig"}
            for key_id, key in self._keys.values()
        ]

    async def refresh(self) -> None:
        """Makes what is missing of today's and tomorrow's keys, forgets those that count no more."""
        today, series = self._today(), await self._current_series()
        found = await self._load(today, series)
        missing = {today, today + 1} - found.keys()
        for period in missing:
            await self._make(period, series)
        if missing:
            await self._documents.delete({"period": {"$lt": today - 1}})
            found = await self._load(today, series)
        self._keys = {period: (each.id, self._decrypt(bytes(each.encrypted))) for period, each in found.items()}

    async def replace_all(self) -> None:
        """For when a key may be known to others: none of those that there are counts any more, and new ones are made.

        Other processes of auth follow with their next `refresh`, everybody else when they ask for the keys again.
        """

        async def begin() -> None:
            current = await self._series.get(_CURRENT)
            if current is None:
                await self._series.insert(KeySeriesDocument(id=_CURRENT, series=1))
            else:
                current.series += 1
                await self._series.replace(current)
            await self._documents.delete({})

        await self._database.transaction(begin)
        await self.refresh()

    async def _current_series(self) -> int:
        current = await self._series.get(_CURRENT)
        return 0 if current is None else int(current.series)

    async def _load(self, today: int, series: int) -> dict[int, SigningKeyDocument]:
        found = await self._documents.find({"period": {"$gte": today - 1}}, sort=[("period", 1)])
        return {each.period: each for each in found if (each.series or 0) == series}

    async def _make(self, period: int, series: int) -> None:
        secret = self._cipher.encrypt(Ed25519PrivateKey.generate().private_bytes_raw())
        key_id = derived_id("key", str(period), *([str(series)] if series else []))
        try:
            await self._documents.insert(SigningKeyDocument(id=key_id, period=period, series=series or None, encrypted=secret))
        except DuplicateKey:
            return  # another replica, or an earlier life, has made it

    def _decrypt(self, encrypted: bytes) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self._cipher.decrypt(encrypted))

    def _today(self) -> int:
        return int(self._clock.now().timestamp()) // _PERIOD_SECONDS
