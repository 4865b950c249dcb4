#!/bin/sh
# A provider in Python that refuses a request as a whole, and no property of it, is answered for by a fault of the SDK.
#
# Valid input: `InputPropertiesError("not here")`, whose second argument, the list of properties, is optional. The
# provider's server sets the trailing metadata of the gRPC status only if there is a list. Seen on 2026-11-29 with
# Python 3.11, pulumi 3.272.0, grpcio 1.85.1: the caller gets "Unexpected <class 'AttributeError'>: 'Status' object has no
# attribute 'trailing_metadata'", and nothing of the message. With an empty list the message arrives.
#
# Installs the pinned packages into a temporary folder, needs Python 3.11 and a package index, and ends with 1 once the
# behaviour has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pulumi==3.272.0 grpcio==1.85.1
cat > "$folder/refuse.py" <<'PYTHON'
import asyncio

import grpc
import pulumi
from pulumi.provider import Provider
from pulumi.provider.server import ProviderServicer
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc


class Refusing(Provider):
    def call(self, token, args):
        raise pulumi.InputPropertiesError("not here", None if token == "without" else [])


async def answer(token):
    server = grpc.aio.server()
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(ProviderServicer(Refusing("1.0.0"), [], ""), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        try:
            await provider_pb2_grpc.ResourceProviderStub(channel).Call(provider_pb2.CallRequest(tok=token))
        except grpc.aio.AioRpcError as error:
            print(f"{token} a list: {error.details()}")
    await server.stop(0)


for each in ("with", "without"):
    asyncio.run(answer(each))
PYTHON
seen=$("$folder/venv/bin/python" "$folder/refuse.py" 2> /dev/null)
echo "$seen"
[ "$seen" = "with a list: not here
without a list: Unexpected <class 'AttributeError'>: 'Status' object has no attribute 'trailing_metadata'" ] ||
    { echo "the finding is out of date"; exit 1; }
