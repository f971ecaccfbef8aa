"""ChatService: one short method per RPC."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from marketplace.chat.v1 import chat_service_pb2 as pb
from marketplace.chat.v1.chat_service_pb2_grpc import ChatServiceServicer

from mesh.call import Context, current_account
from services.chat.wire import message_to_wire
from services.chat.workflows import ChatWorkflows

_DEFAULT_SIZE = 50
_LARGEST_SIZE = 200


class ChatServicer(ChatServiceServicer):
    """Decodes, calls the use case, encodes."""

    def __init__(self, workflows: ChatWorkflows) -> None:
        self._workflows = workflows

    async def SendMessage(self, request: pb.SendMessageRequest, context: Context) -> pb.SendMessageResponse:
        sender_id = current_account().account_id
        message = await self._workflows.send(request.booking_id, sender_id, request.client_message_id, request.text)
        return pb.SendMessageResponse(message=message_to_wire(message))

    async def ListMessages(self, request: pb.ListMessagesRequest, context: Context) -> pb.ListMessagesResponse:
        limit = min(request.page_size or _DEFAULT_SIZE, _LARGEST_SIZE)
        reader_id = current_account().account_id
        found = await self._workflows.list_after(request.booking_id, reader_id, request.after_sequence, limit + 1)
        return pb.ListMessagesResponse(messages=[message_to_wire(each) for each in found[:limit]], has_more=len(found) > limit)

    async def StreamMessages(
        self, request: pb.StreamMessagesRequest, context: Context
    ) -> AsyncGenerator[pb.StreamMessagesResponse]:
        reader_id = current_account().account_id
        async with aclosing(self._workflows.follow(request.booking_id, reader_id, request.after_sequence)) as messages:
            async for message in messages:
                yield pb.StreamMessagesResponse(message=message_to_wire(message))
