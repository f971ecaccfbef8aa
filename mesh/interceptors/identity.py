"""Establishes who calls: the service by its certificate, the end user by the access token. Refuses what is forged or over."""

from mesh.call import Call
from mesh.contract import MethodContract
from mesh.identity import TokenVerifier, calling_service
from mesh.interceptors.link import OuterLink, Receive

_SCHEME = "bearer "


def identity_link(verifier: TokenVerifier) -> OuterLink:
    """Fills the call's caller and account. Raises Unauthenticated for a bad token, Unavailable when no token can be verified.

    A public method does not look at the token: what came with it, stale or forged, neither helps nor hinders.
    """

    def link(method: MethodContract, proceed: Receive) -> Receive:
        async def identify(request: bytes, call: Call) -> bytes | None:
            call.caller = calling_service(call.context)
            header = call.metadata.get("authorization")
            if isinstance(header, str) and header[: len(_SCHEME)].lower() == _SCHEME:
                token = header[len(_SCHEME) :]
                call.account = verifier.recall(token) or await verifier.verify(token)
            return await proceed(request, call)

        async def identify_service(request: bytes, call: Call) -> bytes | None:
            call.caller = calling_service(call.context)
            return await proceed(request, call)

        return identify_service if method.is_public else identify

    return link
