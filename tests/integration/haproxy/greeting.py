"""A small gRPC application, and its client."""

import contextlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc


@contextlib.contextmanager
def greeter(name: str = "hello") -> Iterator[int]:
    """Run a gRPC application, which answers with its name; yield its port."""

    def greet(request: bytes, context: grpc.ServicerContext) -> bytes:
        context.set_trailing_metadata((("x-after", "all"),))
        return name.encode() + b" " + request

    def echo(requests: Iterable[bytes], _: grpc.ServicerContext) -> Iterator[bytes]:
        for request in requests:
            yield b"echo " + request

    handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
        "Greet": grpc.unary_unary_rpc_method_handler(greet),
        "Echo": grpc.stream_stream_rpc_method_handler(echo),
    }
    with ThreadPoolExecutor(4) as pool:
        server = grpc.server(pool)
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("Hello", handlers),))
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        yield port
        server.stop(None).wait()


class Stub:
    """A client's calls to it; messages are bytes."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.greet: grpc.UnaryUnaryMultiCallable[bytes, bytes]
        self.greet = channel.unary_unary("/Hello/Greet", bytes, bytes)
        self.echo: grpc.StreamStreamMultiCallable[bytes, bytes]
        self.echo = channel.stream_stream("/Hello/Echo", bytes, bytes)
