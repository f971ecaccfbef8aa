"""Wires notification together and runs it: `python -m services.notification`."""

import asyncio

from marketplace.notification.v1.inbox_service_pb2_grpc import add_InboxServiceServicer_to_server
from marketplace.notification.v1.privacy_service_pb2_grpc import add_PrivacyServiceServicer_to_server

from mesh.runtime import Runtime, run
from mesh.storage.holdings import Holdings
from services.notification.clients import SmtpMail, UserClient
from services.notification.consumers import subscriptions
from services.notification.holdings import HOLDINGS
from services.notification.security.clients import AuthClient, WordedPost
from services.notification.security.store import StoredSecurityMails
from services.notification.security.words import SecurityWords
from services.notification.security.workflows import SecurityMailWorkflows
from services.notification.servicer import InboxServicer
from services.notification.servicer_privacy import PrivacyServicer
from services.notification.settings import NotificationSettings
from services.notification.store import StoredInbox
from services.notification.words import TemplateWords
from services.notification.workflows import NotificationWorkflows

_SECONDS_BETWEEN_LOOKS = 1.0
_SECONDS_TO_COMMIT = 0.02  # what an event wrote can be seen by then; when it takes longer, the next look sees it


async def assemble(runtime: Runtime[NotificationSettings]) -> None:
    """Adds everything that notification is made of."""
    settings = runtime.settings
    mail = SmtpMail(settings.smtp_host, settings.smtp_port, settings.mail_from)
    inbox, contacts = StoredInbox(runtime.database), UserClient(runtime.channels)
    workflows = NotificationWorkflows(inbox, contacts, mail, TemplateWords(), runtime.clock)
    letters, post = AuthClient(runtime.channels), WordedPost(mail, SecurityWords(settings.app_url))
    security = SecurityMailWorkflows(StoredSecurityMails(runtime.database), letters, post, runtime.clock)
    runtime.serve(add_InboxServiceServicer_to_server, InboxServicer(workflows))
    wake = runtime.every(_SECONDS_BETWEEN_LOOKS, "word_and_mail", workflows.work)
    wake_security = runtime.every(_SECONDS_BETWEEN_LOOKS, "mail_about_accounts", security.work)
    loop = asyncio.get_running_loop()
    holdings = Holdings(runtime.database, HOLDINGS)
    runtime.serve(add_PrivacyServiceServicer_to_server, PrivacyServicer(holdings))

    def work_soon() -> None:
        loop.call_later(_SECONDS_TO_COMMIT, wake.set)
        loop.call_later(_SECONDS_TO_COMMIT, wake_security.set)

    runtime.consume(subscriptions(workflows, security, work_soon, holdings.erase))


if __name__ == "__main__":
    run("notification", assemble, NotificationSettings)
