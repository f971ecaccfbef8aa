"""FavouriteService: one short method per RPC."""

from marketplace.user.v1 import favourite_service_pb2 as pb
from marketplace.user.v1.favourite_service_pb2_grpc import FavouriteServiceServicer

from mesh.call import Context, current_account
from mesh.paging import page_limit
from services.user.wire.pages import after_from_wire, cut
from services.user.wire.people import provider_to_wire
from services.user.wire.relations import place_of_favourite
from services.user.workflows.profiles import ProfileWorkflows
from services.user.workflows.relations import FavouriteWorkflows


class FavouriteServicer(FavouriteServiceServicer):
    """Decodes, calls the use case, encodes."""

    def __init__(self, workflows: FavouriteWorkflows, profiles: ProfileWorkflows) -> None:
        self._workflows = workflows
        self._profiles = profiles

    async def AddFavourite(self, request: pb.AddFavouriteRequest, context: Context) -> pb.AddFavouriteResponse:
        await self._workflows.add(current_account().account_id, request.provider_id)
        return pb.AddFavouriteResponse()

    async def RemoveFavourite(self, request: pb.RemoveFavouriteRequest, context: Context) -> pb.RemoveFavouriteResponse:
        await self._workflows.remove(current_account().account_id, request.provider_id)
        return pb.RemoveFavouriteResponse()

    async def ListFavourites(self, request: pb.ListFavouritesRequest, context: Context) -> pb.ListFavouritesResponse:
        limit, after = page_limit(request.page), after_from_wire(request.page.page_token)
        found = await self._workflows.page(current_account().account_id, after, limit + 1)
        shown, page = cut(found, limit, place_of_favourite)
        providers = await self._profiles.providers([each.provider_id for each in shown])
        return pb.ListFavouritesResponse(providers=[provider_to_wire(*each) for each in providers], page=page)
