"""Makes generated/ from protos/: Python, gRPC and type stubs, and contract.binpb, the image of the whole contract.

Needs no network. Writes each changed file atomically, so that a running process never reads half a module.
"""

import argparse
import fcntl
import filecmp
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
GENERATED = ROOT / "generated"
IMAGE = "contract.binpb"
STAMP = "stamp.sha256"
_LOCK = ".lock"
_VALIDATE = "buf/validate/validate.proto"
_TOOLS = ("grpcio-tools", "mypy-protobuf", "googleapis-common-protos", "protovalidate")


class GenerationError(Exception):
    """protoc refused the protos; the message is what it said."""


def main() -> int:
    """The command line. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail when generated/ is not what protos/ says")
    parser.add_argument("--force", action="store_true", help="generate even when nothing changed")
    arguments = parser.parse_args()
    try:
        if arguments.check:
            return _report(_differences())
        if generate(force=arguments.force):
            print("generated/ made from protos/")
    except GenerationError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def generate(*, force: bool = False) -> bool:
    """Brings generated/ up to date and says whether there was anything to do. Raises GenerationError."""
    GENERATED.mkdir(exist_ok=True)
    with (GENERATED / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = _stamp()
        if not force and _stamp_of(GENERATED) == stamp:
            return False
        with tempfile.TemporaryDirectory() as temporary:
            fresh = Path(temporary)
            _run_protoc(PROTOS, fresh)
            _replace_changed(fresh, GENERATED)
        _write_atomically(GENERATED / STAMP, stamp.encode())
    return True


def write_image(protos: Path, image: Path) -> None:
    """Compiles the protos under a folder into one FileDescriptorSet, imports and comments included. Raises GenerationError."""
    with tempfile.TemporaryDirectory() as temporary:
        _protoc(protos, Path(temporary), [f"--descriptor_set_out={image}", "--include_imports", "--include_source_info"])


def _report(differences: list[str]) -> int:
    for name in differences:
        print(f"generated/{name} is not what protos/ says", file=sys.stderr)
    if differences:
        print("run: python -m tools.generate --force", file=sys.stderr)
    return 1 if differences else 0


def _differences() -> list[str]:
    with tempfile.TemporaryDirectory() as temporary:
        fresh = Path(temporary)
        _run_protoc(PROTOS, fresh)
        wanted, present = _files(fresh), _files(GENERATED)
        same = {name for name in wanted & present if filecmp.cmp(fresh / name, GENERATED / name, shallow=False)}
        return sorted((wanted | present) - same)


def _run_protoc(protos: Path, output: Path) -> None:
    outputs = [
        f"--python_out={output}",
        f"--grpc_python_out={output}",
        f"--mypy_out=quiet:{output}",
        f"--mypy_grpc_out=quiet,only_async:{output}",
        f"--descriptor_set_out={output / IMAGE}",
        "--include_imports",
        "--include_source_info",
    ]
    _protoc(protos, output, outputs, [_VALIDATE])
    for folder in sorted(path for path in output.rglob("*") if path.is_dir()):
        (folder / "__init__.py").touch()
    for package in sorted(path for path in output.iterdir() if path.is_dir()):
        (package / "py.typed").touch()


def _protoc(protos: Path, temporary: Path, outputs: list[str], extra: list[str] | None = None) -> None:
    names = sorted(path.relative_to(protos).as_posix() for path in protos.rglob("*.proto"))
    validate_image = temporary / "validate.binpb"
    validate_image.write_bytes(_validate_image())
    command = [
        *(sys.executable, "-m", "grpc_tools.protoc"),
        f"--proto_path={protos}",
        f"--proto_path={_packages_of('googleapis-common-protos')}",
        f"--proto_path={_packages_of('grpcio-tools') / 'grpc_tools/_proto'}",
        f"--descriptor_set_in={validate_image}",
        *outputs,
        *names,
        *(extra or []),
    ]
    # The stub plugins are found on PATH, and this interpreter's folder need not be on it.
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    validate_image.unlink()
    if done.returncode:
        raise GenerationError(done.stderr.strip())


def _validate_image() -> bytes:
    """A FileDescriptorSet of the validation rules: protovalidate ships their descriptor, not their .proto."""
    from google.protobuf import descriptor_pb2
    from protovalidate._gen.buf.validate import validate_pb

    image = descriptor_pb2.FileDescriptorSet()
    image.file.add().ParseFromString(validate_pb.desc().proto.to_binary())
    return image.SerializeToString()


def _packages_of(distribution: str) -> Path:
    return Path(str(metadata.distribution(distribution).locate_file("")))


def _stamp() -> str:
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for tool in _TOOLS:
        digest.update(f"{tool} {metadata.version(tool)}\n".encode())
    for path in sorted(PROTOS.rglob("*.proto")):
        digest.update(f"{path.relative_to(PROTOS)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def _stamp_of(folder: Path) -> str:
    stamp = folder / STAMP
    return stamp.read_text() if stamp.exists() else ""


def _files(folder: Path) -> set[str]:
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    return names - {STAMP, _LOCK}


def _replace_changed(fresh: Path, folder: Path) -> None:
    for name in sorted(_files(fresh)):
        target = folder / name
        if not target.exists() or not filecmp.cmp(fresh / name, target, shallow=False):
            target.parent.mkdir(parents=True, exist_ok=True)
            _write_atomically(target, (fresh / name).read_bytes())
    for name in _files(folder) - _files(fresh):
        (folder / name).unlink()
    for directory in sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True):
        if not any(child.name != "__pycache__" for child in directory.iterdir()):
            shutil.rmtree(directory)


def _write_atomically(target: Path, content: bytes) -> None:
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    temporary.write_bytes(content)
    temporary.replace(target)


if __name__ == "__main__":
    sys.exit(main())
