"""All that the use cases need from outside, in one value."""

from collections.abc import Callable
from dataclasses import dataclass

from mesh.clock import Clock
from services.auth.ports.proofs import Attempts, Authenticators, Challenges, Codes, Passwords, Tokens
from services.auth.ports.records import Accounts, Mails, Passkeys, Sessions, Trail, Transactions


@dataclass(frozen=True, slots=True)
class Outside:
    """All of it."""

    transaction: Transactions
    accounts: Accounts
    sessions: Sessions
    mails: Mails
    passkeys: Passkeys
    challenges: Challenges
    authenticators: Authenticators
    trail: Trail
    attempts: Attempts
    passwords: Passwords
    codes: Codes
    tokens: Tokens
    clock: Clock
    new_id: Callable[[str], str]
