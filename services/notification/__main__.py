"""Wires notification together and runs it: `python -m services.notification`."""

import asyncio

from marketplace.notification.v1.inbox_service_pb2_grpc import add_InboxServiceServicer_to_server
from marketplace.notification.v1.privacy_service_pb2_grpc import add_PrivacyServiceServicer_to_server

from mesh.runtime import Runtime, run
from mesh.storage.holdings import Holdings
from services.notification.clients import SmtpMail, UserClient
from services.notification.consumers import subscriptions
from services.notification.holdings import HOLDINGS
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
    runtime.serve(add_InboxServiceServicer_to_server, InboxServicer(workflows))
    wake = runtime.every(_SECONDS_BETWEEN_LOOKS, "word_and_mail", workflows.work)
    loop = asyncio.get_running_loop()
    holdings = Holdings(runtime.database, HOLDINGS)
    runtime.serve(add_PrivacyServiceServicer_to_server, PrivacyServicer(holdings))
    runtime.consume(subscriptions(workflows, lambda: loop.call_later(_SECONDS_TO_COMMIT, wake.set), holdings.erase))


if __name__ == "__main__":
    run("notification", assemble, NotificationSettings)
