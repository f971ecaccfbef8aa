"""What is published of accounts."""

from datetime import datetime

from marketplace.auth.v1 import events_pb2 as pb

from services.auth.model.accounts import Account
from services.auth.model.mails import Mail
from services.auth.wire.accounts import roles_to_wire


def registered(account: Account) -> pb.AccountRegistered:
    """Tells of a new account."""
    event = pb.AccountRegistered(
        account_id=account.account_id,
        roles=roles_to_wire(account.roles),
        email=account.email,
        display_name=account.display_name,
        locale=account.locale,
        time_zone=account.time_zone,
    )
    event.register_time.FromDatetime(account.register_time)
    return event


def erased(account: Account, now: datetime) -> pb.AccountErased:
    """Tells that an account is gone."""
    event = pb.AccountErased(account_id=account.account_id)
    event.erase_time.FromDatetime(now)
    return event


def email_changed(account: Account, now: datetime) -> pb.EmailChanged:
    """Tells of another address."""
    event = pb.EmailChanged(account_id=account.account_id, email=account.email)
    event.change_time.FromDatetime(now)
    return event


def lock_changed(account: Account, admin_id: str, now: datetime) -> pb.AccountLocked | pb.AccountUnlocked:
    """Tells that an account was locked, or unlocked."""
    if account.is_locked:
        locked = pb.AccountLocked(account_id=account.account_id, admin_id=admin_id)
        locked.lock_time.FromDatetime(now)
        return locked
    unlocked = pb.AccountUnlocked(account_id=account.account_id, admin_id=admin_id)
    unlocked.unlock_time.FromDatetime(now)
    return unlocked


def roles_changed(account: Account, now: datetime) -> pb.RolesChanged:
    """Tells what an account may be from now on."""
    event = pb.RolesChanged(account_id=account.account_id, roles=roles_to_wire(account.roles))
    event.change_time.FromDatetime(now)
    return event


def mail_requested(mail: Mail, now: datetime) -> pb.SecurityMailRequested:
    """Tells that there is a mail to send, and nothing of what stands in it."""
    event = pb.SecurityMailRequested(account_id=mail.account_id, mail_id=mail.mail_id)
    event.request_time.FromDatetime(now)
    return event
