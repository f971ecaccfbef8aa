"""Compression of JSON answers; never of what the contract marks `debug_redact`, of which the length would tell [BREACH]."""

from typing import TYPE_CHECKING

from gateway.shapes import Config, extension, typed
from mesh.contract import MethodContract

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor

_SMALLEST_BYTES = 1024
_LIBRARIES = {
    "brotli": typed("extensions.compression.brotli.compressor.v3.Brotli", quality=4, window_bits=16),
    "gzip": typed("extensions.compression.gzip.compressor.v3.Gzip", compression_level="COMPRESSION_LEVEL_4", window_bits=14),
}


def compressors() -> list[Config]:
    """The filters, by the client's choice. gRPC, gRPC-web and WebSockets are other content types than the one that they take."""
    return [extension(_name(library), _compressor(library)) for library in _LIBRARIES]


def compression_of(method: MethodContract) -> Config:
    """What a method's route says to the filters: nothing, or that its answers go out as they are."""
    if is_compressible(method):
        return {}
    off = typed("extensions.filters.http.compressor.v3.CompressorPerRoute", disabled=True)
    return {_name(library): off for library in _LIBRARIES}


def is_compressible(method: MethodContract) -> bool:
    """Whether answers may be compressed: no streams, which would wait in the compressor, and nothing that is marked as secret."""
    return not method.is_server_streaming and not _holds_secrets(method.descriptor.output_type, set())


def _holds_secrets(message: "Descriptor", seen: set[str]) -> bool:
    if message.full_name in seen:
        return False
    seen.add(message.full_name)
    return any(
        field.GetOptions().debug_redact or (field.message_type is not None and _holds_secrets(field.message_type, seen))
        for field in message.fields
    )


def _compressor(library: str) -> Config:
    common = {"min_content_length": _SMALLEST_BYTES, "content_type_matcher": [{"exact": "application/json"}]}
    return typed(
        "extensions.filters.http.compressor.v3.Compressor",
        response_direction_config={"common_config": common},
        compressor_library=extension(library, _LIBRARIES[library]),
    )


def _name(library: str) -> str:
    return f"compressor.{library}"
