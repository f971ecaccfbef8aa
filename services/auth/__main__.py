"""Wires auth together and runs it: `python -m services.auth`."""

from marketplace.auth.v1.auth_service_pb2_grpc import add_AuthServiceServicer_to_server
from marketplace.auth.v1.privacy_service_pb2_grpc import add_PrivacyServiceServicer_to_server

from mesh.ids import new_id
from mesh.runtime import Runtime, run
from mesh.storage.holdings import Holdings
from services.auth.consumers import subscriptions
from services.auth.holdings import HOLDINGS
from services.auth.keys import KeyChain
from services.auth.model import DEFAULT_LOCALE, DEFAULT_ZONE
from services.auth.passwords import ArgonPasswords
from services.auth.servicer import AuthServicer
from services.auth.servicer_privacy import PrivacyServicer
from services.auth.settings import AuthSettings
from services.auth.store import StoredIdentities
from services.auth.tokens import SignedTokens
from services.auth.workflows import AuthWorkflows

_SECONDS_BETWEEN_KEY_LOOKS = 60.0


async def assemble(runtime: Runtime[AuthSettings]) -> None:
    """Adds everything that auth is made of."""
    settings = runtime.settings
    keys = KeyChain(runtime.database, settings.key_encryption_secret)
    tokens = SignedTokens(keys, settings.token_issuer, settings.token_audience, settings.key_encryption_secret)
    passwords = ArgonPasswords()
    workflows = AuthWorkflows(StoredIdentities(runtime.database), passwords, tokens, runtime.clock, new_id)
    runtime.use_key_source(keys.public_keys)
    runtime.serve(add_AuthServiceServicer_to_server, AuthServicer(workflows, keys.public_keys))

    holdings = Holdings(runtime.database, HOLDINGS)
    runtime.serve(add_PrivacyServiceServicer_to_server, PrivacyServicer(holdings))
    runtime.consume(subscriptions(holdings.erase))

    async def ensure_admin() -> None:
        if settings.admin_email:
            await workflows.ensure_admin(settings.admin_email, settings.admin_password, DEFAULT_LOCALE, DEFAULT_ZONE)

    runtime.on_start(keys.refresh)
    runtime.on_start(ensure_admin)
    runtime.every(_SECONDS_BETWEEN_KEY_LOOKS, "refresh_signing_keys", keys.refresh)
    runtime.on_stop(passwords.close)


if __name__ == "__main__":
    run("auth", assemble, AuthSettings)
