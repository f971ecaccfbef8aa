"""Decodes the request and holds it against the rules that the contract states for its fields [protovalidate]."""

from typing import TYPE_CHECKING, cast

import protovalidate
from buf.validate import validate_pb2
from google.protobuf.message import DecodeError, Message

from mesh.call import Call
from mesh.contract import MethodContract
from mesh.errors import FieldViolation, InvalidInput
from mesh.interceptors.link import Behaviour, Receive

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor


def validation_link(method: MethodContract, proceed: Behaviour) -> Receive:
    """Hands on a decoded and valid request. Raises InvalidInput (REQUEST_INVALID) with one violation for each broken rule."""
    decode = method.request.FromString
    has_rules = _has_rules(cast("Descriptor", method.request.DESCRIPTOR), set())
    if has_rules:
        protovalidate.collect_violations(method.request())  # compiles the rules now, not under the first call's deadline

    async def validate(request: bytes, call: Call) -> bytes | None:
        try:
            message = decode(request)
        except DecodeError:
            raise InvalidInput("REQUEST_INVALID", "The request is not a well-formed message of its type.") from None
        if has_rules:
            require_valid(message)
        return await proceed(message, call)

    return validate


def require_valid(message: Message) -> None:
    """Raises InvalidInput (REQUEST_INVALID) with one violation for each rule of the contract that the message breaks."""
    found = protovalidate.collect_violations(message)
    if found:
        violations = tuple(FieldViolation(_path_of(each.proto), each.proto.message) for each in found)
        first = violations[0]
        sentence = f"{first.field or 'The request'} {first.description}."
        raise InvalidInput("REQUEST_INVALID", sentence, violations=violations)


def _path_of(violation: protovalidate.ViolationPb) -> str:
    parts = []
    for element in violation.field.elements if violation.field else ():
        subscript = f"[{element.subscript.value}]" if element.subscript else ""
        parts.append(f"{element.field_name}{subscript}")
    return ".".join(parts)


def _has_rules(message: "Descriptor", seen: set[str]) -> bool:
    if message.full_name in seen:
        return False
    seen.add(message.full_name)
    if message.GetOptions().HasExtension(validate_pb2.message):
        return True
    if any(oneof.GetOptions().HasExtension(validate_pb2.oneof) for oneof in message.oneofs):
        return True
    for field in message.fields:
        if field.GetOptions().HasExtension(validate_pb2.field):
            return True
        if field.message_type is not None and _has_rules(field.message_type, seen):
            return True
    return False
