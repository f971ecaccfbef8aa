"""AddressService: one short method per RPC."""

from marketplace.user.v1 import address_service_pb2 as pb
from marketplace.user.v1.address_service_pb2_grpc import AddressServiceServicer

from mesh.call import Context, current_account, idempotent_id
from services.user.model.address import Address, Book
from services.user.wire.people import address_to_wire, place_from_wire
from services.user.workflows.addresses import AddressWorkflows, entry_of


class AddressServicer(AddressServiceServicer):
    """Decodes, calls the use case, encodes."""

    def __init__(self, workflows: AddressWorkflows) -> None:
        self._workflows = workflows

    async def ListMyAddresses(self, request: pb.ListMyAddressesRequest, context: Context) -> pb.ListMyAddressesResponse:
        book = await self._workflows.all(current_account().account_id)
        return pb.ListMyAddressesResponse(addresses=[_entry(book, each.address_id) for each in book])

    async def AddAddress(self, request: pb.AddAddressRequest, context: Context) -> pb.AddAddressResponse:
        address = Address(idempotent_id("adr"), request.label, place_from_wire(request.postal_address))
        book = await self._workflows.add(current_account().account_id, address)
        return pb.AddAddressResponse(address=_entry(book, address.address_id))

    async def ReplaceAddress(self, request: pb.ReplaceAddressRequest, context: Context) -> pb.ReplaceAddressResponse:
        address = Address(request.address_id, request.label, place_from_wire(request.postal_address))
        book = await self._workflows.put(current_account().account_id, address)
        return pb.ReplaceAddressResponse(address=_entry(book, address.address_id))

    async def MakeAddressDefault(self, request: pb.MakeAddressDefaultRequest, context: Context) -> pb.MakeAddressDefaultResponse:
        book = await self._workflows.make_default(current_account().account_id, request.address_id)
        return pb.MakeAddressDefaultResponse(address=_entry(book, request.address_id))

    async def RemoveAddress(self, request: pb.RemoveAddressRequest, context: Context) -> pb.RemoveAddressResponse:
        await self._workflows.remove(current_account().account_id, request.address_id)
        return pb.RemoveAddressResponse()


def _entry(book: Book, address_id: str) -> pb.Address:
    address, is_default = entry_of(book, address_id)
    return address_to_wire(address, is_default=is_default)
