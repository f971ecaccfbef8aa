"""PersonService: one short method per RPC."""

from marketplace.user.v1 import person_service_pb2 as pb
from marketplace.user.v1.person_service_pb2_grpc import PersonServiceServicer

from mesh.call import Context, current_account
from services.user.wire.people import person_to_wire
from services.user.workflows.profiles import ProfileWorkflows

_ADMIN = "admin"


class PersonServicer(PersonServiceServicer):
    """Decodes, calls the use case, encodes."""

    def __init__(self, workflows: ProfileWorkflows) -> None:
        self._workflows = workflows

    async def GetPerson(self, request: pb.GetPersonRequest, context: Context) -> pb.GetPersonResponse:
        viewer = current_account()
        found = await self._workflows.person(request.account_id, viewer.account_id, is_admin=_ADMIN in viewer.roles)
        return pb.GetPersonResponse(person=person_to_wire(*found))
