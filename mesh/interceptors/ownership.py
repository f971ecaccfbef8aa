"""Enforces ownership where the contract alone decides it: a field that must be the caller's own account id."""

from operator import attrgetter

from google.protobuf.message import Message

from mesh.call import Call
from mesh.contract import MethodContract
from mesh.errors import NotFound
from mesh.interceptors.link import Behaviour

_ADMIN = "admin"


def ownership_link(method: MethodContract, proceed: Behaviour) -> Behaviour:
    """Another's account looks as if there were none: NotFound. Without an end user it is the calling service's own call."""
    if method.owner_kind != "account" or method.is_public:
        return proceed
    read_owner = attrgetter(method.owner_field)
    admin_may = _ADMIN in method.roles

    async def check(request: Message, call: Call) -> bytes | None:
        account = call.account
        if account is not None and read_owner(request) != account.account_id and not (admin_may and _ADMIN in account.roles):
            raise NotFound("NOT_FOUND", "There is no such account.")
        return await proceed(request, call)

    return check
