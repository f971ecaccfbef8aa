"""Who calls and from where, in auth's own words."""

from mesh.call import current_account, current_call
from services.auth.model.origin import Caller, Origin

_LONGEST_USER_AGENT = 200


def origin() -> Origin:
    """Where the call being served comes from."""
    call = current_call()
    return Origin(call.client_address, call.user_agent[:_LONGEST_USER_AGENT])


def caller() -> Caller:
    """Who makes it. Raises Unauthenticated without a token."""
    account = current_account()
    return Caller(account.account_id, account.session_id, origin(), is_admin="admin" in account.roles)
