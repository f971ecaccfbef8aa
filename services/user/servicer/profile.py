"""ProfileService: one short method per RPC."""

from marketplace.user.v1 import profile_service_pb2 as pb
from marketplace.user.v1.profile_service_pb2_grpc import ProfileServiceServicer

from mesh.call import Context, current_account
from services.user.wire.people import changes_from_wire, contact_to_wire, profile_to_wire, provider_to_wire
from services.user.workflows.profiles import ProfileWorkflows


class ProfileServicer(ProfileServiceServicer):
    """Decodes, calls the use case, encodes."""

    def __init__(self, workflows: ProfileWorkflows) -> None:
        self._workflows = workflows

    async def GetMyProfile(self, request: pb.GetMyProfileRequest, context: Context) -> pb.GetMyProfileResponse:
        profile = await self._workflows.get(current_account().account_id)
        return pb.GetMyProfileResponse(profile=profile_to_wire(profile))

    async def UpdateMyProfile(self, request: pb.UpdateMyProfileRequest, context: Context) -> pb.UpdateMyProfileResponse:
        changes = changes_from_wire(request)
        profile = await self._workflows.change(current_account().account_id, changes, request.etag)
        return pb.UpdateMyProfileResponse(profile=profile_to_wire(profile))

    async def GetProvider(self, request: pb.GetProviderRequest, context: Context) -> pb.GetProviderResponse:
        return pb.GetProviderResponse(provider=provider_to_wire(*await self._workflows.provider(request.provider_id)))

    async def BatchGetProviders(self, request: pb.BatchGetProvidersRequest, context: Context) -> pb.BatchGetProvidersResponse:
        found = await self._workflows.providers(request.provider_ids)
        return pb.BatchGetProvidersResponse(providers=[provider_to_wire(*each) for each in found])

    async def GetContact(self, request: pb.GetContactRequest, context: Context) -> pb.GetContactResponse:
        return contact_to_wire(await self._workflows.get(request.account_id))
