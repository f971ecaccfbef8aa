"""PrivacyService: one short method per RPC."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable

from marketplace.common.v1.personal_record_pb2 import PersonalRecord
from marketplace.user.v1 import privacy_service_pb2 as pb
from marketplace.user.v1.privacy_service_pb2_grpc import PrivacyServiceServicer

from mesh.call import Context, current_account
from mesh.storage.holdings import Holdings
from services.user.workflows.privacy import PrivacyWorkflows

PeersRecords = Callable[[str], AsyncIterator[tuple[str, PersonalRecord]]]
"""What the other services hold of an account, each record with its service."""


class PrivacyServicer(PrivacyServiceServicer):
    """Decodes, calls the use case, encodes."""

    def __init__(self, workflows: PrivacyWorkflows, holdings: Holdings, peers_records: PeersRecords) -> None:
        self._workflows = workflows
        self._holdings = holdings
        self._peers_records = peers_records

    async def ExportMyData(self, request: pb.ExportMyDataRequest, context: Context) -> AsyncGenerator[pb.ExportMyDataResponse]:
        account_id = current_account().account_id
        async for record in self._holdings.records(account_id):
            yield pb.ExportMyDataResponse(service="user", record=record)
        async for service, record in self._peers_records(account_id):
            yield pb.ExportMyDataResponse(service=service, record=record)

    async def EraseMe(self, request: pb.EraseMeRequest, context: Context) -> pb.EraseMeResponse:
        await self._workflows.erase(current_account().account_id)
        return pb.EraseMeResponse()
