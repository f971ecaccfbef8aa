"""The contract's validation rules [buf.validate] as JSON Schema keywords, as far as JSON Schema can say them."""

import re
from typing import TYPE_CHECKING, Any

from buf.validate import validate_pb2

if TYPE_CHECKING:
    from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor

Schema = dict[str, Any]
_LENGTHS = {"min_len": "minLength", "max_len": "maxLength", "pattern": "pattern", "const": "const"}
_BOUNDS = {"gte": "minimum", "lte": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum", "const": "const"}
_COUNTS = {"min_items": "minItems", "max_items": "maxItems"}
_FORMATS = ("email", "uri", "uuid", "hostname", "ipv4", "ipv6")  # of the same name there and here
_TEXT_NUMBERS = ("int64", "uint64", "sint64", "fixed64", "sfixed64")


def rules_of(field: "FieldDescriptor") -> Any:
    """The field's rules, a buf.validate.FieldRules; empty when it has none."""
    return field.GetOptions().Extensions[validate_pb2.field]


def keywords(rules: Any) -> Schema:
    """The keywords for one value (not a list)."""
    kind = rules.WhichOneof("type")
    if kind is None:
        return {}
    own = getattr(rules, kind)
    if kind == "string":
        return _text_keywords(own)
    if kind in ("float", "double", "int32", "uint32", "sint32", "fixed32", "sfixed32"):
        return _bounds(own)
    if kind in _TEXT_NUMBERS:  # JSON has them as text, on which bounds say nothing: they are told beside it
        return {f"x-{name}": str(value) for name, value in _bounds(own).items()}
    return {}


def list_keywords(rules: Any) -> Schema:
    """The keywords for a list."""
    if rules.WhichOneof("type") != "repeated":
        return {}
    found = {keyword: getattr(rules.repeated, name) for name, keyword in _COUNTS.items() if rules.repeated.HasField(name)}
    return found | ({"uniqueItems": True} if rules.repeated.unique else {})


def item_rules(rules: Any) -> Any:
    """The rules for the items of a list."""
    return rules.repeated.items if rules.WhichOneof("type") == "repeated" else validate_pb2.FieldRules()


def enum_names(rules: Any, enum: "EnumDescriptor") -> list[str] | None:
    """The values that the rules allow, by name; None when they allow all."""
    if rules.WhichOneof("type") != "enum":
        return None
    allowed, refused = set(getattr(rules.enum, "in")), set(rules.enum.not_in)
    if not allowed and not refused:
        return None
    return [value.name for value in enum.values if (not allowed or value.number in allowed) and value.number not in refused]


def is_required(field: "FieldDescriptor") -> bool:
    """Whether a request without the field breaks its rules."""
    rules = rules_of(field)
    if rules.required:
        return True
    kind = rules.WhichOneof("type")
    if kind == "string":
        text = rules.string
        return text.min_len > 0 or text.email or bool(text.pattern and not re.search(text.pattern, ""))
    if kind == "repeated":
        return bool(rules.repeated.min_items > 0)
    if kind == "enum":
        return 0 in rules.enum.not_in or bool(getattr(rules.enum, "in") and 0 not in getattr(rules.enum, "in"))
    if kind in ("int32", "int64", "uint32", "uint64", "float", "double"):
        own = getattr(rules, kind)
        return bool((own.HasField("gte") and own.gte > 0) or (own.HasField("gt") and own.gt >= 0))
    return False


def _text_keywords(own: Any) -> Schema:
    found: Schema = {keyword: getattr(own, name) for name, keyword in _LENGTHS.items() if own.HasField(name)}
    for name in _FORMATS:
        if getattr(own, name):
            found["format"] = name
    choices = list(getattr(own, "in"))
    return found | ({"enum": choices} if choices else {})


def _bounds(own: Any) -> Schema:
    found: Schema = {keyword: getattr(own, name) for name, keyword in _BOUNDS.items() if own.HasField(name)}
    choices = list(getattr(own, "in"))
    return found | ({"enum": choices} if choices else {})
