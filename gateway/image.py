"""The contract as one FileDescriptorSet: for the transcoder without comments, for documents with them."""

from collections.abc import Collection
from functools import cache
from pathlib import Path

import marketplace
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.rpc import error_details_pb2, status_pb2

from mesh import contract

_FILE = "contract.binpb"


@cache
def commented_image() -> FileDescriptorSet:
    """What the generator wrote beside the generated code: every file with its comments. Raises OSError when it is not there."""
    folder = Path(next(iter(marketplace.__path__))).parent
    return FileDescriptorSet.FromString((folder / _FILE).read_bytes())


def transcoding_image(services: Collection[str]) -> bytes:
    """What turns JSON into messages of these gRPC services and back, the details of errors [google/rpc] among them."""
    found: dict[str, FileDescriptorProto] = {}
    own = [file for file in contract.files() if any(each.full_name in services for each in file.services_by_name.values())]
    for file in (*own, error_details_pb2.DESCRIPTOR, status_pb2.DESCRIPTOR):
        _collect(file, found)
    return FileDescriptorSet(file=found.values()).SerializeToString(deterministic=True)


def _collect(file: FileDescriptor, found: dict[str, FileDescriptorProto]) -> None:
    if file.name in found:
        return
    for dependency in file.dependencies:
        _collect(dependency, found)
    proto = FileDescriptorProto()
    file.CopyToProto(proto)
    found[file.name] = proto
