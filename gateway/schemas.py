"""Messages and enums of the contract as JSON Schema, in the form in which the transcoder reads and prints them."""

from typing import TYPE_CHECKING

from gateway import rules
from gateway.comments import comment
from gateway.rules import Schema

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

_HTTP_BODY = "google.api.HttpBody"
_WELL_KNOWN: dict[str, Schema] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?s$", "examples": ["3600s"]},
    "google.protobuf.FieldMask": {"type": "string", "examples": ["display_name,locale"]},
    "google.protobuf.Any": {"type": "object", "properties": {"@type": {"type": "string"}}, "required": ["@type"]},
    _HTTP_BODY: {},
}
_INTEGERS = (5, 13, 15, 17, 7)  # int32, uint32, sfixed32, sint32, fixed32 [FieldDescriptor.Type]
_LONG_INTEGERS = (3, 4, 6, 16, 18)  # int64, uint64, fixed64, sfixed64, sint64
_FLOATS = (1, 2)
_BOOL, _BYTES = 8, 12


class Schemas:
    """Collects the schemas that a document refers to."""

    def __init__(self) -> None:
        self.components: dict[str, Schema] = {}

    def message(self, message: "Descriptor") -> Schema:
        """A reference to the message's schema."""
        if message.full_name in _WELL_KNOWN:
            return dict(_WELL_KNOWN[message.full_name])
        name = _component(message.full_name)
        if name not in self.components:
            self.components[name] = {}  # messages may contain themselves
            self.components[name] = self.object_of(message, list(message.fields))
        return {"$ref": f"#/components/schemas/{name}"}

    def object_of(self, message: "Descriptor", fields: "list[FieldDescriptor]") -> Schema:
        """The message's own schema with these of its fields."""
        sentences = [comment(message.full_name)]
        for oneof in message.oneofs:
            sentences.append(f"At most one of {', '.join(field.name for field in oneof.fields)} is there.")
        schema: Schema = {"type": "object", "description": " ".join(sentences)}
        if fields:
            schema["properties"] = {field.name: self.field(field) for field in fields}
        required = [field.name for field in fields if rules.is_required(field)]
        return schema | ({"required": required} if required else {})

    def field(self, field: "FieldDescriptor") -> Schema:
        """The schema of a field's value, with its comment and its rules."""
        description = {"description": comment(field.full_name)}
        own = rules.rules_of(field)
        value = _map_value(field)
        if value is not None:
            return {"type": "object", "additionalProperties": self._value(value, rules.rules_of(value)), **description}
        if field.is_repeated:
            items = self._value(field, rules.item_rules(own))
            return {"type": "array", "items": items, **rules.list_keywords(own), **description}
        return self._value(field, own) | description

    def _value(self, field: "FieldDescriptor", own: object) -> Schema:
        if field.message_type is not None:
            return self.message(field.message_type)
        if field.enum_type is not None:
            return self._enum(field.enum_type, own)
        return _scalar(field.type) | rules.keywords(own)

    def _enum(self, enum: "EnumDescriptor", own: object) -> Schema:
        allowed = rules.enum_names(own, enum)
        if allowed is not None:
            return {"type": "string", "enum": allowed}
        name = _component(enum.full_name)
        if name not in self.components:
            meanings = [f"- `{value.name}`: {comment(f'{enum.full_name}.{value.name}')}" for value in enum.values]
            self.components[name] = {
                "type": "string",
                "enum": [value.name for value in enum.values],
                "description": "\n".join([comment(enum.full_name), "", *meanings]),
            }
        return {"$ref": f"#/components/schemas/{name}"}


def query_fields(message: "Descriptor", without: set[str]) -> "list[tuple[str, FieldDescriptor]]":
    """The fields that a query string can carry, each with its dotted path; messages are taken apart."""
    found: list[tuple[str, FieldDescriptor]] = []
    for field in message.fields:
        if field.name in without or _map_value(field) is not None:
            continue
        if field.message_type is None or field.message_type.full_name in _WELL_KNOWN:
            found.append((field.name, field))
        elif not field.is_repeated:
            found += [(f"{field.name}.{path}", inner) for path, inner in query_fields(field.message_type, set())]
    return found


def _scalar(kind: int) -> Schema:
    if kind in _INTEGERS:
        return {"type": "integer", "format": "int32"}
    if kind in _LONG_INTEGERS:
        return {"type": "string", "format": "int64", "pattern": "^-?[0-9]+$"}
    if kind in _FLOATS:
        return {"type": "number", "format": "double"}
    if kind == _BOOL:
        return {"type": "boolean"}
    return {"type": "string", "contentEncoding": "base64"} if kind == _BYTES else {"type": "string"}


def is_raw(field: "FieldDescriptor") -> bool:
    """Whether the field is a body taken as it came."""
    return field.message_type is not None and field.message_type.full_name == _HTTP_BODY


def _map_value(field: "FieldDescriptor") -> "FieldDescriptor | None":
    """The field of a map's values; None when the field is no map."""
    if field.message_type is None or not field.message_type.GetOptions().map_entry:
        return None
    return field.message_type.fields_by_name["value"]


def _component(full_name: str) -> str:
    return full_name.removeprefix("marketplace.")
