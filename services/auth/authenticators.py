"""What browsers and authenticators say, verified by the library webauthn, which is imported when it is first needed."""

import json
from collections.abc import Sequence
from urllib.parse import urlsplit

from services.auth.model.passkeys import NewCredential, Passkey, invalid_passkey, refused_passkey

_NAME = "Marketplace"
_MILLISECONDS = 300_000


class WebAuthenticators:
    """The port Authenticators. Passkeys belong to the host of the web app and are made and used on its pages alone."""

    def __init__(self, app_url: str) -> None:
        parts = urlsplit(app_url)
        self._host = parts.hostname or ""
        self._origin = f"{parts.scheme}://{parts.netloc}"

    def creation_options(self, challenge: bytes, account_id: str, email: str, known: Sequence[str]) -> str:
        from webauthn import base64url_to_bytes, generate_registration_options, options_to_json
        from webauthn.helpers import structs

        options = generate_registration_options(
            rp_id=self._host,
            rp_name=_NAME,
            user_id=account_id.encode(),
            user_name=email,
            challenge=challenge,
            timeout=_MILLISECONDS,
            authenticator_selection=structs.AuthenticatorSelectionCriteria(
                resident_key=structs.ResidentKeyRequirement.REQUIRED,
                user_verification=structs.UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[structs.PublicKeyCredentialDescriptor(id=base64url_to_bytes(each)) for each in known],
        )
        return options_to_json(options)

    def request_options(self, challenge: bytes) -> str:
        from webauthn import generate_authentication_options, options_to_json
        from webauthn.helpers.structs import UserVerificationRequirement

        options = generate_authentication_options(
            rp_id=self._host,
            challenge=challenge,
            timeout=_MILLISECONDS,
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return options_to_json(options)

    def verify_creation(self, credential_json: str, challenge: bytes) -> NewCredential:
        from webauthn import verify_registration_response
        from webauthn.helpers import bytes_to_base64url

        try:
            verified = verify_registration_response(
                credential=credential_json,
                expected_challenge=challenge,
                expected_rp_id=self._host,
                expected_origin=self._origin,
                require_user_verification=True,
            )
        except Exception:  # the library raises its own kinds, and others for what is malformed in ways it did not think of
            raise invalid_passkey() from None
        return NewCredential(bytes_to_base64url(verified.credential_id), verified.credential_public_key, verified.sign_count)

    def credential_id(self, credential_json: str) -> str:
        try:
            found = json.loads(credential_json)["id"]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise refused_passkey() from None
        return found if isinstance(found, str) else ""

    def verify_proof(self, credential_json: str, challenge: bytes, passkey: Passkey) -> int:
        from webauthn import verify_authentication_response
        from webauthn.helpers import parse_authentication_credential_json

        try:
            credential = parse_authentication_credential_json(credential_json)
            verified = verify_authentication_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=self._host,
                expected_origin=self._origin,
                credential_public_key=passkey.credential.public_key,
                credential_current_sign_count=passkey.credential.sign_count,
                require_user_verification=True,
            )
        except Exception:  # as above
            raise refused_passkey() from None
        if credential.response.user_handle not in (None, passkey.account_id.encode()):
            raise refused_passkey()
        return verified.new_sign_count
