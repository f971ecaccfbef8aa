"""Sessions in the contract's messages."""

from datetime import datetime

from marketplace.auth.v1 import auth_service_pb2 as pb
from marketplace.auth.v1 import session_service_pb2 as session_pb

from services.auth.model.sessions import Challenge, OpenSession, Session


def log_in_to_wire(result: OpenSession | Challenge) -> pb.LogInResponse:
    """A session, or what is missing for one."""
    if isinstance(result, OpenSession):
        return pb.LogInResponse(account_id=result.account_id, tokens=tokens_to_wire(result))
    challenge = pb.LogInChallenge(challenge_token=result.token)
    challenge.expire_time.FromDatetime(result.expire_time)
    return pb.LogInResponse(account_id=result.account_id, challenge=challenge)


def tokens_to_wire(session: OpenSession) -> pb.Tokens:
    """A session's pair of tokens."""
    tokens = pb.Tokens(access_token=session.access_token, refresh_token=session.refresh_token)
    tokens.access_token_expire_time.FromDatetime(session.access_token_expire_time)
    tokens.refresh_token_expire_time.FromDatetime(session.refresh_token_expire_time)
    return tokens


def session_to_wire(session: Session, current_id: str) -> session_pb.Session:
    """A session as its owner sees it."""
    message = session_pb.Session(
        session_id=session.session_id,
        device_name=session.device_name,
        address=session.address,
        is_current=session.session_id == current_id,
    )
    message.open_time.FromDatetime(session.open_time)
    message.last_use_time.FromDatetime(session.last_use_time)
    message.expire_time.FromDatetime(session.expire_time)
    return message


def proof_to_wire(access_token: str, expire_time: datetime) -> session_pb.ReAuthenticateResponse:
    """A token with a fresh proof."""
    message = session_pb.ReAuthenticateResponse(access_token=access_token)
    message.access_token_expire_time.FromDatetime(expire_time)
    return message
