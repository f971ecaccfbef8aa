"""Two-step log-in: which codes count, and which have been used."""

from dataclasses import dataclass, replace

from mesh.errors import NotAllowedNow, Unauthenticated

RECOVERY_CODES = 10


@dataclass(frozen=True, slots=True)
class Totp:
    """An account's second step. The secret is sealed, recovery codes are hashes of themselves."""

    sealed_secret: bytes = b""
    is_enabled: bool = False
    last_step: int = 0  # the time step of the last code that was used; no earlier one counts [RFC 6238, 5.2]
    recovery_hashes: tuple[str, ...] = ()

    def enrolled(self, sealed_secret: bytes) -> "Totp":
        """With a new secret that still has to be confirmed. Raises NotAllowedNow (TOTP_ENABLED)."""
        if self.is_enabled:
            raise NotAllowedNow("TOTP_ENABLED", "Two-step log-in is on already.")
        return Totp(sealed_secret=sealed_secret)

    def require_unconfirmed(self) -> None:
        """Raises NotAllowedNow (TOTP_ENABLED, TOTP_NOT_ENROLLED) unless there is a secret to confirm."""
        if self.is_enabled:
            raise NotAllowedNow("TOTP_ENABLED", "Two-step log-in is on already.")
        if not self.sealed_secret:
            raise NotAllowedNow("TOTP_NOT_ENROLLED", "There is no secret to confirm; enrol first.")

    def with_recovery(self, hashes: tuple[str, ...]) -> "Totp":
        """With other recovery codes. Raises NotAllowedNow (TOTP_NOT_ENROLLED)."""
        if not self.is_enabled:
            raise NotAllowedNow("TOTP_NOT_ENROLLED", "Two-step log-in is not on.")
        return replace(self, recovery_hashes=hashes)

    def used_step(self, step: int | None) -> "Totp":
        """After the code of this time step. Raises Unauthenticated (CODE_WRONG) for none, or one that was used."""
        if step is None or step <= self.last_step:
            raise wrong_code()
        return replace(self, last_step=step)

    def used_recovery(self, code_hash: str) -> "Totp":
        """After this recovery code. Raises Unauthenticated (CODE_WRONG) when there is none such."""
        if code_hash not in self.recovery_hashes:
            raise wrong_code()
        return replace(self, recovery_hashes=tuple(each for each in self.recovery_hashes if each != code_hash))


NO_TOTP = Totp()


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator app needs."""

    secret: str
    provisioning_uri: str


def wrong_code() -> Unauthenticated:
    """The same for wrong, used and missing."""
    return Unauthenticated("CODE_WRONG", "This code does not work, or does not work any more.")
