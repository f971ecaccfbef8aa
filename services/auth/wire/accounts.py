"""Accounts in the contract's messages."""

from collections.abc import Iterable

from marketplace.auth.v1 import account_admin_service_pb2 as admin_pb
from marketplace.auth.v1 import account_service_pb2 as account_pb
from marketplace.auth.v1 import auth_service_pb2 as pb

from services.auth.model.accounts import DEFAULT_LOCALE, DEFAULT_ZONE, Account, Registration, Role

_ROLES = {
    pb.ACCOUNT_ROLE_CUSTOMER: Role.CUSTOMER,
    pb.ACCOUNT_ROLE_PROVIDER: Role.PROVIDER,
    pb.ACCOUNT_ROLE_ADMIN: Role.ADMIN,
}
_WIRE_ROLES = {role: wire for wire, role in _ROLES.items()}


def roles_from_wire(roles: Iterable["pb.AccountRole.ValueType"]) -> tuple[Role, ...]:
    """The roles in the order in which they were named."""
    return tuple(_ROLES[role] for role in roles)


def roles_to_wire(roles: Iterable[Role]) -> list["pb.AccountRole.ValueType"]:
    """The roles as the contract names them."""
    return [_WIRE_ROLES[role] for role in roles]


def registration_from_wire(request: pb.RegisterAccountRequest) -> Registration:
    """What somebody registers with, empty fields filled with the defaults."""
    return Registration(
        email=request.email,
        password=request.password,
        display_name=request.display_name,
        roles=roles_from_wire(request.roles),
        locale=request.locale or DEFAULT_LOCALE,
        time_zone=request.time_zone or DEFAULT_ZONE,
    )


def own_to_wire(account: Account) -> account_pb.GetMyAccountResponse:
    """A person's own account."""
    message = account_pb.GetMyAccountResponse(
        account_id=account.account_id,
        email=account.email,
        is_email_verified=account.is_email_verified,
        roles=roles_to_wire(account.roles),
        is_totp_enabled=account.totp.is_enabled,
        recovery_code_count=len(account.totp.recovery_hashes),
    )
    message.register_time.FromDatetime(account.register_time)
    return message


def managed_to_wire(account: Account) -> admin_pb.ManagedAccount:
    """An account as an administrator sees it."""
    message = admin_pb.ManagedAccount(
        account_id=account.account_id,
        email=account.email,
        is_email_verified=account.is_email_verified,
        display_name=account.display_name,
        roles=roles_to_wire(account.roles),
        is_locked=account.is_locked,
        lock_reason=account.lock_reason,
        is_totp_enabled=account.totp.is_enabled,
    )
    message.register_time.FromDatetime(account.register_time)
    return message
