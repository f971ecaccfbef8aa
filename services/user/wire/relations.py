"""Favourites and blocks."""

from datetime import datetime

from marketplace.user.v1 import block_service_pb2 as pb

from services.user.model.relation import Block, Favourite


def block_to_wire(block: Block) -> pb.Block:
    """Somebody whom the reader blocks."""
    message = pb.Block(account_id=block.blocked_id)
    message.block_time.FromDatetime(block.change_time)
    return message


def place_of_block(block: Block) -> tuple[datetime | None, str]:
    """What the list of blocks is sorted by."""
    return block.change_time, f"{block.blocker_id}:{block.blocked_id}"


def place_of_favourite(favourite: Favourite) -> tuple[datetime | None, str]:
    """What the list of favourites is sorted by."""
    return favourite.add_time, f"{favourite.account_id}:{favourite.provider_id}"
