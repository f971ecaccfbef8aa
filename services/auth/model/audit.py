"""The audit trail: what was done to an account, and what is worth keeping of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.auth.model.origin import Origin

SUCCEEDED = "succeeded"


class Action(StrEnum):
    """What was done, or tried."""

    REGISTER = "register"
    LOG_IN = "log_in"
    COMPLETE_LOG_IN = "complete_log_in"
    RE_AUTHENTICATE = "re_authenticate"
    LOG_OUT = "log_out"
    REUSE_REFRESH_TOKEN = "reuse_refresh_token"  # noqa: S105 - an action
    REVOKE_SESSION = "revoke_session"
    REVOKE_OTHER_SESSIONS = "revoke_other_sessions"
    CHANGE_PASSWORD = "change_password"  # noqa: S105 - an action
    REQUEST_PASSWORD_RESET = "request_password_reset"  # noqa: S105 - an action
    RESET_PASSWORD = "reset_password"  # noqa: S105 - an action
    SEND_VERIFICATION = "send_verification"
    VERIFY_EMAIL = "verify_email"
    REQUEST_EMAIL_CHANGE = "request_email_change"
    CHANGE_EMAIL = "change_email"
    ENABLE_TOTP = "enable_totp"
    DISABLE_TOTP = "disable_totp"
    REPLACE_RECOVERY_CODES = "replace_recovery_codes"
    ADD_PASSKEY = "add_passkey"
    REMOVE_PASSKEY = "remove_passkey"
    LOG_IN_WITH_PASSKEY = "log_in_with_passkey"
    ERASE_ACCOUNT = "erase_account"
    FIND_ACCOUNT = "find_account"
    LOCK_ACCOUNT = "lock_account"
    UNLOCK_ACCOUNT = "unlock_account"
    SET_ROLES = "set_roles"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the trail. `account_id` is empty when a log-in named an address that no account has."""

    entry_id: str
    account_id: str
    action: Action
    outcome: str  # SUCCEEDED, or the reason why not
    actor_id: str  # empty for somebody who has not proved who they are
    origin: Origin
    create_time: datetime
    note: str = ""
