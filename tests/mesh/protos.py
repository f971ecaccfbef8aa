"""Contracts of the tests' own: proto text compiled into the running process, where mesh/contract.py finds it like any other."""

import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_tools import protoc

from mesh import contract

if TYPE_CHECKING:
    from google.protobuf.descriptor import FileDescriptor
    from google.protobuf.message import Message

_IMAGE = Path(__file__).resolve().parents[2] / "generated" / "contract.binpb"
_EVENT = """
syntax = "proto3";
package marketplace.{service}.v1;
import "marketplace/mesh/v1/policy.proto";
message ThingHappened {{
  option (marketplace.mesh.v1.event) = {{topic: "marketplace.{service}.v1" key: "thing_id"}};
  string thing_id = 1;
  int64 number = 2;
  string note = 3;
}}
"""


def compile_proto(name: str, text: str) -> "FileDescriptor":
    """The file in the default pool. It may import what protos/ has."""
    contract.import_all()
    with tempfile.TemporaryDirectory() as folder:
        source, image = Path(folder, name), Path(folder, "image.binpb")
        source.write_text(text)
        command = ["protoc", f"--proto_path={folder}", f"--descriptor_set_in={_IMAGE}", f"--descriptor_set_out={image}", name]
        assert protoc.main(command) == 0
        files = descriptor_pb2.FileDescriptorSet.FromString(image.read_bytes())
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(files.file[0].SerializeToString())
    return pool.FindFileByName(name)


@cache
def event_class(service: str) -> "type[Message]":
    """An event with the fields thing_id (the key), number and note, on a topic of the service's own."""
    file = compile_proto(f"{service}_events.proto", _EVENT.format(service=service))
    return message_factory.GetMessageClass(file.message_types_by_name["ThingHappened"])
