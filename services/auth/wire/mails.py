"""Mails about accounts in the contract's messages."""

from marketplace.auth.v1 import security_mail_service_pb2 as pb

from services.auth.model.mails import Letter, MailKind

_KINDS = {
    MailKind.VERIFY_EMAIL: pb.SECURITY_MAIL_KIND_VERIFY_EMAIL,
    MailKind.CONFIRM_NEW_EMAIL: pb.SECURITY_MAIL_KIND_CONFIRM_NEW_EMAIL,
    MailKind.RESET_PASSWORD: pb.SECURITY_MAIL_KIND_RESET_PASSWORD,
    MailKind.PASSWORD_CHANGED: pb.SECURITY_MAIL_KIND_PASSWORD_CHANGED,
    MailKind.EMAIL_CHANGED: pb.SECURITY_MAIL_KIND_EMAIL_CHANGED,
    MailKind.TWO_STEP_ENABLED: pb.SECURITY_MAIL_KIND_TWO_STEP_ENABLED,
    MailKind.TWO_STEP_DISABLED: pb.SECURITY_MAIL_KIND_TWO_STEP_DISABLED,
    MailKind.ACCOUNT_LOCKED: pb.SECURITY_MAIL_KIND_ACCOUNT_LOCKED,
    MailKind.PASSKEY_ADDED: pb.SECURITY_MAIL_KIND_PASSKEY_ADDED,
}


def letter_to_wire(letter: Letter) -> pb.GetSecurityMailResponse:
    """A mail as notification sends it."""
    return pb.GetSecurityMailResponse(
        kind=_KINDS[letter.mail.kind],
        email=letter.mail.email,
        display_name=letter.display_name,
        locale=letter.locale,
        token=letter.token,
    )
