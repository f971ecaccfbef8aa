"""The rules of e-mail, without a mail server."""

from datetime import UTC, datetime, timedelta

from services.notification.model import MOST_ATTEMPTS, Contact, EmailState, Notification

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
ANA = Contact("Ana", "ana@example.com", "pt-BR", "America/Sao_Paulo", email_enabled=True)


def worded(kind: str = "booking_confirmed", contact: Contact = ANA) -> Notification:
    return Notification("ntf_1", "acc_1", kind, "bkg_1", NOW).worded("title", "body", contact, NOW)


def test_mail_is_queued_where_it_is_wanted_and_worth_it() -> None:
    assert worded().email_state is EmailState.QUEUED
    assert worded("message_sent").email_state is EmailState.NONE
    without = Contact("Ana", "ana@example.com", "pt-BR", "UTC", email_enabled=False)
    assert (worded(contact=without).email_state, worded(contact=without).due_time) == (EmailState.NONE, None)


def test_mail_is_tried_eight_times_within_half_an_hour() -> None:
    mail, now = worded(), NOW
    for _ in range(MOST_ATTEMPTS - 1):
        mail = mail.begun(now).refused(now, 1.0)
        assert mail.email_state is EmailState.QUEUED
        assert mail.due_time is not None
        now = mail.due_time
    assert now - NOW < timedelta(minutes=30)
    assert mail.begun(now).refused(now, 1.0).email_state is EmailState.UNDELIVERED
