"""Favourites and blocks."""

from typing import Any, ClassVar

import mongoengine

from mesh.storage.documents import StoredDocument
from mesh.storage.mongo import Database
from services.user.model.relation import Block, Favourite
from services.user.ports import After
from services.user.store.pages import beyond
from services.user.wire.events import block_changed


class FavouriteDocument(StoredDocument):
    """A favourite; its id is `<account>:<provider>`."""

    meta: ClassVar[dict[str, Any]] = {
        "collection": "favourites",
        "indexes": [("account_id", "-add_time", "-_id"), ("provider_id",)],
    }

    account_id: Any = mongoengine.StringField(required=True)
    provider_id: Any = mongoengine.StringField(required=True)
    add_time: Any = mongoengine.DateTimeField(required=True)


class BlockDocument(StoredDocument):
    """A block or what is left of it; its id is `<blocker>:<blocked>`."""

    meta: ClassVar[dict[str, Any]] = {
        "collection": "blocks",
        "indexes": [("blocker_id", "is_blocked", "-change_time", "-_id"), ("blocked_id",)],
    }

    blocker_id: Any = mongoengine.StringField(required=True)
    blocked_id: Any = mongoengine.StringField(required=True)
    is_blocked: Any = mongoengine.BooleanField(required=True)
    change_time: Any = mongoengine.DateTimeField(required=True)
    revision: Any = mongoengine.LongField(required=True)


class StoredFavourites:
    """The port Favourites on this service's database."""

    def __init__(self, database: Database) -> None:
        self._favourites = database.collection(FavouriteDocument)

    async def add(self, favourite: Favourite) -> None:
        document_id = f"{favourite.account_id}:{favourite.provider_id}"
        if await self._favourites.get(document_id) is None:
            await self._favourites.insert(
                FavouriteDocument(
                    id=document_id,
                    account_id=favourite.account_id,
                    provider_id=favourite.provider_id,
                    add_time=favourite.add_time,
                )
            )

    async def remove(self, account_id: str, provider_id: str) -> None:
        await self._favourites.delete({"_id": f"{account_id}:{provider_id}"})

    async def page(self, account_id: str, after: After, limit: int) -> list[Favourite]:
        query = {"account_id": account_id, **beyond(after, "add_time")}
        found = await self._favourites.find(query, sort=[("add_time", -1), ("_id", -1)], limit=limit)
        return [Favourite(each.account_id, each.provider_id, each.add_time) for each in found]


class StoredBlocks:
    """The port Blocks on this service's database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._blocks = database.collection(BlockDocument)

    async def find(self, blocker_id: str, blocked_id: str) -> Block | None:
        found = await self._blocks.get(f"{blocker_id}:{blocked_id}")
        return None if found is None else _block(found)

    async def save(self, block: Block) -> None:
        values = {
            "blocker_id": block.blocker_id,
            "blocked_id": block.blocked_id,
            "is_blocked": block.is_blocked,
            "change_time": block.change_time,
            "revision": block.revision,
        }
        await self._blocks.update_one({"_id": f"{block.blocker_id}:{block.blocked_id}"}, {"$set": values}, upsert=True)
        await self._database.publish(block_changed(block))

    async def count(self, blocker_id: str) -> int:
        return await self._blocks.count({"blocker_id": blocker_id, "is_blocked": True})

    async def page(self, blocker_id: str, after: After, limit: int) -> list[Block]:
        query = {"blocker_id": blocker_id, "is_blocked": True, **beyond(after, "change_time")}
        found = await self._blocks.find(query, sort=[("change_time", -1), ("_id", -1)], limit=limit)
        return [_block(each) for each in found]


def _block(found: BlockDocument) -> Block:
    return Block(found.blocker_id, found.blocked_id, found.is_blocked, found.change_time, found.revision)
