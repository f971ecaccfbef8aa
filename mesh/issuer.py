"""Where the keys that verify access tokens come from: the one method of the contract that the mesh itself calls."""

from collections.abc import Mapping, Sequence

from marketplace.auth.v1 import auth_service_pb2, auth_service_pb2_grpc

from mesh.channels import Channels
from mesh.identity import KeySource


def keys_of_the_issuer(channels: Channels) -> KeySource:
    """Asks the service `auth` for its JSON Web Key Set. The source raises MeshError when it does not answer."""
    stub = channels.stub(auth_service_pb2_grpc.AuthServiceStub, "auth")

    async def fetch() -> Sequence[Mapping[str, object]]:
        answer = await stub.GetJsonWebKeySet(auth_service_pb2.GetJsonWebKeySetRequest())
        return [{field.name: value for field, value in key.ListFields()} for key in answer.keys]

    return fetch
