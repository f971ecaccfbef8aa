"""Passkeys in the contract's messages."""

from marketplace.auth.v1 import passkey_service_pb2 as pb

from services.auth.model.passkeys import Passkey


def passkey_to_wire(passkey: Passkey) -> pb.Passkey:
    """A passkey as its owner sees it."""
    message = pb.Passkey(passkey_id=passkey.passkey_id, name=passkey.name)
    message.create_time.FromDatetime(passkey.create_time)
    if passkey.last_use_time is not None:
        message.last_use_time.FromDatetime(passkey.last_use_time)
    return message
