"""PrivacyService: one short method per RPC. Whose data are asked for is enforced before it gets here."""

from marketplace.auth.v1 import privacy_service_pb2 as pb
from marketplace.auth.v1.privacy_service_pb2_grpc import PrivacyServiceServicer

from mesh.call import Context
from mesh.storage.holdings import Holdings


class PrivacyServicer(PrivacyServiceServicer):
    """Reads what the table of holdings names."""

    def __init__(self, holdings: Holdings) -> None:
        self._holdings = holdings

    async def ExportPerson(self, request: pb.ExportPersonRequest, context: Context) -> pb.ExportPersonResponse:
        records, next_page_token = await self._holdings.page(request.account_id, request.page_token)
        return pb.ExportPersonResponse(records=records, next_page_token=next_page_token)
