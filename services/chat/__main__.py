"""Wires chat together and runs it: `python -m services.chat`."""

from marketplace.chat.v1.chat_service_pb2_grpc import add_ChatServiceServicer_to_server
from marketplace.chat.v1.privacy_service_pb2_grpc import add_PrivacyServiceServicer_to_server

from mesh.runtime import Runtime, run
from mesh.settings import Settings
from mesh.storage.bell import Bell
from mesh.storage.holdings import Holdings
from services.chat.clients import BookingClient
from services.chat.consumers import subscriptions
from services.chat.holdings import HOLDINGS
from services.chat.servicer import ChatServicer
from services.chat.servicer_privacy import PrivacyServicer
from services.chat.store import StoredBlocks, StoredMessages
from services.chat.workflows import ChatWorkflows

_SECONDS_TO_RECONNECT = 1.0


async def assemble(runtime: Runtime[Settings]) -> None:
    """Adds everything that chat is made of."""
    bell = Bell(runtime.redis, "chat:bell")
    messages, blocks = StoredMessages(runtime.database), StoredBlocks(runtime.database)
    workflows = ChatWorkflows(messages, blocks, BookingClient(runtime.channels), bell, runtime.clock)
    runtime.serve(add_ChatServiceServicer_to_server, ChatServicer(workflows))
    holdings = Holdings(runtime.database, HOLDINGS)
    runtime.serve(add_PrivacyServiceServicer_to_server, PrivacyServicer(holdings))
    runtime.consume(subscriptions(blocks, holdings.erase))
    runtime.every(_SECONDS_TO_RECONNECT, "hear_the_bell", bell.hear)


if __name__ == "__main__":
    run("chat", assemble, Settings)
