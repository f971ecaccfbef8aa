"""The small shapes that Envoy's configuration is made of [envoy/api: v3 protos, as JSON]."""

from typing import Any, TypeAlias

from gateway.settings import host_and_port

Config: TypeAlias = dict[str, Any]


def typed(name: str, **fields: Any) -> Config:
    """A message inside an Any: its type's name after "envoy." and its fields."""
    return {"@type": f"type.googleapis.com/envoy.{name}", **fields}


def extension(name: str, config: Config) -> Config:
    """An extension by its registered name, with its typed configuration."""
    return {"name": name, "typed_config": config}


def socket_address(address: str) -> Config:
    """An address of Envoy's, from `host:port`."""
    host, port = host_and_port(address)
    return {"socket_address": {"address": host, "port_value": port}}


def duration(seconds: float) -> str:
    """A google.protobuf.Duration as JSON."""
    return f"{seconds:.9f}".rstrip("0").rstrip(".") + "s"


def header(name: str, value: str) -> Config:
    """A header to set, whatever value it had."""
    return {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
