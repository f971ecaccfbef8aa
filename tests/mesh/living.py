"""Services of the tests' own as processes: `python -m tests.mesh.living probe` serves and publishes, `listener` listens."""

import asyncio
import json
import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from typing import Any

import structlog

from mesh.call import Context, current_call
from mesh.events.subscription import Delivery, Subscription
from mesh.ids import new_id
from mesh.runtime import Runtime, run
from mesh.settings import Settings, optional_text, setting
from tests.mesh.probe import Response, Servicer, add_to_server
from tests.mesh.protos import event_class
from tests.mesh.storage.documents import Thing

EVENT: Any = event_class("probe")
HARMLESS, TWICE, UNKNOWN_COMMAND, UNKNOWN_STAGE, FAILURE, LIBRARY, SLOW = range(7)
"""What a request's number asks the probe for; an event's number says the same to the listener."""

_log = structlog.get_logger()
_library = logging.getLogger("library")


@dataclass(frozen=True, kw_only=True)
class LivingSettings(Settings):
    """Settings of a service whose tokens the test signs."""

    verifying_key: str = setting("the key that verifies tokens, a JSON Web Key", default="{}")
    failure_at_start: str = setting("what the exception says with which assembling ends; empty for none", optional_text, "")


class Living(Servicer):
    """Does to the stores what a request asks for, with its text wherever a value can be."""

    def __init__(self, runtime: Runtime[LivingSettings]) -> None:
        super().__init__()
        self._runtime = runtime
        self._things = runtime.database.collection(Thing)

    async def unary(self, request: Any, _context: Context) -> Any:
        await getattr(self, f"_{current_call().method.path.rpartition('/')[2].lower()}")(request)
        return Response(text="done")

    async def _greet(self, request: Any) -> None:
        if request.number == SLOW:
            _log.info("slow call begun")
            await asyncio.sleep(0.5)

    async def _write(self, request: Any) -> None:
        await self._runtime.redis.set(f"probe:{request.text}", request.text)
        await self._runtime.database.transaction(lambda: self._remember(request))
        if request.number == UNKNOWN_COMMAND:
            await self._runtime.redis.execute_command("NONSENSE", request.text)  # type: ignore[no-untyped-call]
        if request.number == UNKNOWN_STAGE:
            await self._things.aggregate([{f"${request.text}": 1}])
        if request.number == FAILURE:
            raise RuntimeError(request.text)
        if request.number == LIBRARY:
            speak_as_a_library(request.text)

    async def _remember(self, request: Any) -> None:
        await self._things.insert(Thing(id=new_id("thg"), notes={"text": request.text}))
        await self._runtime.database.publish(EVENT(thing_id=new_id("thg"), number=request.number, note=request.text))


def speak_as_a_library(text: str) -> None:
    """Every way in which a library logs a value or an exception."""
    _library.warning("sent to %s", text)
    _library.log(logging.WARNING + 5, "nearly an error %(text)s", {"text": text})
    try:
        raise RuntimeError(text) from OSError(text)
    except RuntimeError as error:
        _library.exception("it failed")
        _library.error(error)


async def assemble_probe(runtime: Runtime[LivingSettings]) -> None:
    runtime.serve(add_to_server, Living(runtime))


async def assemble_listener(runtime: Runtime[LivingSettings]) -> None:
    things = runtime.database.collection(Thing)
    seen: set[str] = set()

    async def note(event: Any, delivery: Delivery) -> None:
        await things.insert(Thing(id=new_id("thg"), notes={"text": event.note}))
        if event.number == TWICE and delivery.event_id not in seen:
            seen.add(delivery.event_id)
            raise RuntimeError(event.note)

    runtime.consume([Subscription(EVENT, note, "note")])


async def assemble(runtime: Runtime[LivingSettings]) -> None:
    async def keys() -> Sequence[Mapping[str, object]]:
        return [json.loads(runtime.settings.verifying_key)]

    if runtime.settings.failure_at_start:
        raise RuntimeError(runtime.settings.failure_at_start)
    runtime.use_key_source(keys)
    await (assemble_probe if runtime.settings.service == "probe" else assemble_listener)(runtime)


if __name__ == "__main__":
    # Where the runtime looks whether a service publishes: these contracts are compiled, not generated.
    sys.modules["marketplace.probe.v1.events_pb2"] = module_from_spec(ModuleSpec("marketplace.probe.v1.events_pb2", None))
    sys.modules["marketplace.listener.v1.events_pb2"] = None  # type: ignore[assignment]  # for "there is none"
    run(sys.argv[1], assemble, LivingSettings)
