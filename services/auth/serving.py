"""Which gRPC services there are, and which use cases stand behind each."""

from marketplace.auth.v1.account_admin_service_pb2_grpc import add_AccountAdminServiceServicer_to_server
from marketplace.auth.v1.account_service_pb2_grpc import add_AccountServiceServicer_to_server
from marketplace.auth.v1.audit_service_pb2_grpc import add_AuditServiceServicer_to_server
from marketplace.auth.v1.auth_service_pb2_grpc import add_AuthServiceServicer_to_server
from marketplace.auth.v1.email_service_pb2_grpc import add_EmailServiceServicer_to_server
from marketplace.auth.v1.passkey_service_pb2_grpc import add_PasskeyServiceServicer_to_server
from marketplace.auth.v1.password_service_pb2_grpc import add_PasswordServiceServicer_to_server
from marketplace.auth.v1.security_mail_service_pb2_grpc import add_SecurityMailServiceServicer_to_server
from marketplace.auth.v1.session_service_pb2_grpc import add_SessionServiceServicer_to_server
from marketplace.auth.v1.totp_service_pb2_grpc import add_TotpServiceServicer_to_server

from mesh.identity import KeySource
from mesh.runtime import Runtime
from services.auth.ports.outside import Outside
from services.auth.servicer.accounts import AccountServicer
from services.auth.servicer.administration import AccountAdminServicer
from services.auth.servicer.auth import AuthServicer
from services.auth.servicer.emails import EmailServicer
from services.auth.servicer.mails import SecurityMailServicer
from services.auth.servicer.passkeys import PasskeyServicer
from services.auth.servicer.passwords import PasswordServicer
from services.auth.servicer.sessions import SessionServicer
from services.auth.servicer.totp import TotpServicer
from services.auth.servicer.trail import AuditServicer
from services.auth.settings import AuthSettings
from services.auth.workflows.accounts import AccountWorkflows
from services.auth.workflows.administration import AdminWorkflows
from services.auth.workflows.emails import EmailWorkflows
from services.auth.workflows.logging_in import LogInWorkflows
from services.auth.workflows.passkeys import PasskeyWorkflows
from services.auth.workflows.passwords import PasswordWorkflows
from services.auth.workflows.sessions import SessionWorkflows
from services.auth.workflows.totp import TotpWorkflows
from services.auth.workflows.trail import TrailWorkflows


def serve(runtime: Runtime[AuthSettings], outside: Outside, public_keys: KeySource) -> EmailWorkflows:
    """Serves all of them. Gives the use cases that work in the background too."""
    accounts, logging_in, emails = AccountWorkflows(outside), LogInWorkflows(outside), EmailWorkflows(outside)
    sessions = SessionWorkflows(outside, logging_in)
    passkeys = PasskeyWorkflows(outside, logging_in, sessions)
    issuer = runtime.settings.token_issuer
    runtime.serve(add_AuthServiceServicer_to_server, AuthServicer(accounts, logging_in, public_keys, issuer))
    runtime.serve(add_AccountServiceServicer_to_server, AccountServicer(accounts))
    runtime.serve(add_SessionServiceServicer_to_server, SessionServicer(sessions))
    runtime.serve(add_PasswordServiceServicer_to_server, PasswordServicer(PasswordWorkflows(outside)))
    runtime.serve(add_PasskeyServiceServicer_to_server, PasskeyServicer(passkeys))
    runtime.serve(add_EmailServiceServicer_to_server, EmailServicer(emails))
    runtime.serve(add_SecurityMailServiceServicer_to_server, SecurityMailServicer(emails))
    runtime.serve(add_TotpServiceServicer_to_server, TotpServicer(TotpWorkflows(outside)))
    runtime.serve(add_AccountAdminServiceServicer_to_server, AccountAdminServicer(AdminWorkflows(outside)))
    runtime.serve(add_AuditServiceServicer_to_server, AuditServicer(TrailWorkflows(outside)))
    return emails
