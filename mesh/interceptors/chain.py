"""The one server interceptor: composes the links around each method at its first call and keeps the result."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from functools import reduce
from typing import Any, TypeAlias, cast

import grpc
from google.protobuf.message import Message

from mesh import contract
from mesh.call import Call, Context
from mesh.interceptors.link import Behaviour, InnerLink, OuterLink, Receive
from mesh.interceptors.telemetry import telemetry_link
from mesh.interceptors.validation import validation_link

_UNGUARDED = ("/grpc.health.v1.Health/", "/grpc.reflection.")
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"


class ContractInterceptor(grpc.aio.ServerInterceptor):
    """Lets no call reach a servicer but through the links. A method that the contract does not know is not served."""

    def __init__(self, outer: Sequence[OuterLink], inner: Sequence[InnerLink]) -> None:
        """Links are given outermost first. The outer ones come between telemetry and validation, the inner ones after it."""
        self._outer = tuple(outer)
        self._inner = tuple(inner)
        self._guarded: dict[str, Handler] = {}

    async def intercept_service(
        self,
        continuation: "Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]]",
        handler_call_details: grpc.HandlerCallDetails,
    ) -> "Handler | None":
        """The guarded handler of the method that is called."""
        path = handler_call_details.method
        guarded = self._guarded.get(path)
        if guarded is not None:
            return guarded
        handler = await continuation(handler_call_details)
        if handler is None or path.startswith(_UNGUARDED):
            return handler
        guarded = self._guarded[path] = self.guard(path, handler)
        return guarded

    def guard(self, path: str, handler: Handler) -> Handler:
        method = contract.find_method(path)
        behaviour: Behaviour = _write_all(handler) if method.is_server_streaming else _answer(handler)
        behaviour = reduce(lambda proceed, link: link(method, proceed), reversed(self._inner), behaviour)
        receive: Receive = validation_link(method, behaviour)
        receive = reduce(lambda proceed, link: link(method, proceed), reversed(self._outer), receive)
        entry = telemetry_link(method, receive)
        # Without serializers gRPC hands over bytes: decoding is a link, so that a broken frame is the caller's fault, not ours.
        if method.is_server_streaming:
            return grpc.unary_stream_rpc_method_handler(entry)
        return grpc.unary_unary_rpc_method_handler(entry)


def _answer(handler: Handler) -> Behaviour:
    serve = cast("Callable[[Message, Context], Awaitable[Message]]", handler.unary_unary)

    async def answer(request: Message, call: Call) -> bytes:
        return (await serve(request, call.context)).SerializeToString()

    return answer


def _write_all(handler: Handler) -> Behaviour:
    serve = cast("Callable[[Message, Context], AsyncGenerator[Message]]", handler.unary_stream)

    async def write_all(request: Message, call: Call) -> None:
        async with aclosing(serve(request, call.context)) as messages:
            async for message in messages:
                await call.context.write(message.SerializeToString())

    return write_all
