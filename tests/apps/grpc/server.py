"""A gRPC service without a health service, as grpcio serves it."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import grpc

server = grpc.server(ThreadPoolExecutor(4))
greet = grpc.unary_unary_rpc_method_handler(lambda name, _: b"Hello, " + name)
count = grpc.unary_stream_rpc_method_handler(lambda word, _: (word for _ in range(3)))
handlers = {"Greet": greet, "Count": count}
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("Greeter", handlers),))
server.add_insecure_port(f"0.0.0.0:{os.environ['PORT']}")
server.start()
signal.signal(signal.SIGTERM, lambda *_: server.stop(1))
server.wait_for_termination()
