"""InboxService: one short method per RPC."""

from marketplace.common.v1.page_pb2 import PageResponse
from marketplace.notification.v1 import inbox_service_pb2 as pb
from marketplace.notification.v1.inbox_service_pb2_grpc import InboxServiceServicer

from mesh.call import Context, current_account
from mesh.paging import page_limit
from services.notification.wire import cursor_after, cursor_from_wire, notification_to_wire
from services.notification.workflows import NotificationWorkflows


class InboxServicer(InboxServiceServicer):
    """Decodes, calls the use case, encodes."""

    def __init__(self, workflows: NotificationWorkflows) -> None:
        self._workflows = workflows

    async def ListNotifications(self, request: pb.ListNotificationsRequest, context: Context) -> pb.ListNotificationsResponse:
        limit = page_limit(request.page)
        after = cursor_from_wire(request.page.page_token)
        found, unread_count = await self._workflows.page(current_account().account_id, after, limit + 1)
        shown = found[:limit]
        return pb.ListNotificationsResponse(
            notifications=[notification_to_wire(each) for each in shown],
            unread_count=unread_count,
            page=PageResponse(next_page_token=cursor_after(shown[-1]) if len(found) > limit else ""),
        )

    async def MarkNotificationsRead(
        self, request: pb.MarkNotificationsReadRequest, context: Context
    ) -> pb.MarkNotificationsReadResponse:
        read_count = await self._workflows.mark_read(current_account().account_id, request.notification_ids)
        return pb.MarkNotificationsReadResponse(read_count=read_count)
