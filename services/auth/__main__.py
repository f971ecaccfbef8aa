"""Wires auth together and runs it: `python -m services.auth`."""

import asyncio

from marketplace.auth.v1.privacy_service_pb2_grpc import add_PrivacyServiceServicer_to_server

from mesh.ids import new_id
from mesh.runtime import Runtime, run
from mesh.storage.holdings import Holdings
from services.auth.authenticators import WebAuthenticators
from services.auth.codes import AppCodes
from services.auth.consumers import subscriptions
from services.auth.holdings import HOLDINGS
from services.auth.keys import KeyChain
from services.auth.model.accounts import DEFAULT_LOCALE, DEFAULT_ZONE
from services.auth.passwords import ArgonPasswords
from services.auth.ports.outside import Outside
from services.auth.servicer.privacy import PrivacyServicer
from services.auth.serving import serve
from services.auth.settings import AuthSettings
from services.auth.store.accounts import StoredAccounts
from services.auth.store.attempts import CountedAttempts
from services.auth.store.mails import StoredMails
from services.auth.store.passkeys import KeptChallenges, StoredPasskeys
from services.auth.store.sessions import StoredSessions
from services.auth.store.trail import StoredTrail
from services.auth.tokens import SignedTokens
from services.auth.workflows.accounts import AccountWorkflows

_SECONDS_BETWEEN_KEY_LOOKS = 5.0  # a key that was replaced in an emergency is published no longer than that
_SECONDS_BETWEEN_MAIL_LOOKS = 1.0
_SECONDS_TO_COMMIT = 0.02  # what was written can be seen by then; when it takes longer, the next look sees it


async def assemble(runtime: Runtime[AuthSettings]) -> None:
    """Adds everything that auth is made of."""
    settings, database, loop = runtime.settings, runtime.database, asyncio.get_running_loop()
    keys = KeyChain(database, settings.key_encryption_secret)
    passwords = ArgonPasswords()
    outside = Outside(
        transaction=database.transaction,
        accounts=StoredAccounts(database),
        sessions=StoredSessions(database),
        mails=StoredMails(database, lambda: loop.call_later(_SECONDS_TO_COMMIT, looking.set)),
        passkeys=StoredPasskeys(database),
        challenges=KeptChallenges(runtime.redis),
        authenticators=WebAuthenticators(settings.app_url),
        trail=StoredTrail(database),
        attempts=CountedAttempts(runtime.redis),
        passwords=passwords,
        codes=AppCodes(settings.key_encryption_secret),
        tokens=SignedTokens(keys, settings.token_issuer, settings.token_audience, settings.key_encryption_secret),
        clock=runtime.clock,
        new_id=new_id,
    )
    runtime.use_key_source(keys.public_keys)
    emails = serve(runtime, outside, keys.public_keys)

    holdings = Holdings(runtime.database, HOLDINGS)
    runtime.serve(add_PrivacyServiceServicer_to_server, PrivacyServicer(holdings))
    runtime.consume(subscriptions(holdings.erase))

    async def ensure_admin() -> None:
        if settings.admin_email:
            admin = (settings.admin_email, settings.admin_password, DEFAULT_LOCALE, DEFAULT_ZONE)
            await AccountWorkflows(outside).ensure_admin(*admin)

    runtime.on_start(keys.refresh)
    runtime.on_start(ensure_admin)
    runtime.every(_SECONDS_BETWEEN_KEY_LOOKS, "refresh_signing_keys", keys.refresh)
    looking = runtime.every(_SECONDS_BETWEEN_MAIL_LOOKS, "find_recipients", emails.find_recipients)
    runtime.on_stop(passwords.close)


if __name__ == "__main__":
    run("auth", assemble, AuthSettings)
