"""What the contract says, in auth's own words, and back."""

from marketplace.auth.v1 import auth_service_pb2 as pb
from marketplace.auth.v1.events_pb2 import AccountRegistered

from services.auth.model import DEFAULT_LOCALE, DEFAULT_ZONE, Account, Registration, Role

_ROLES = {
    pb.ACCOUNT_ROLE_CUSTOMER: Role.CUSTOMER,
    pb.ACCOUNT_ROLE_PROVIDER: Role.PROVIDER,
    pb.ACCOUNT_ROLE_ADMIN: Role.ADMIN,
}
_WIRE_ROLES = {role: wire for wire, role in _ROLES.items()}


def registration_from_wire(request: pb.RegisterAccountRequest) -> Registration:
    """What somebody registers with, empty fields filled with the defaults."""
    return Registration(
        email=request.email,
        password=request.password,
        display_name=request.display_name,
        roles=tuple(_ROLES[role] for role in request.roles),
        locale=request.locale or DEFAULT_LOCALE,
        time_zone=request.time_zone or DEFAULT_ZONE,
    )


def registered_to_wire(account: Account) -> AccountRegistered:
    """The event that tells of a new account."""
    event = AccountRegistered(
        account_id=account.account_id,
        roles=[_WIRE_ROLES[role] for role in account.roles],
        email=account.email,
        display_name=account.display_name,
        locale=account.locale,
        time_zone=account.time_zone,
    )
    event.register_time.FromDatetime(account.register_time)
    return event
