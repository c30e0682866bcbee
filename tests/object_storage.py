"""This file is where tests get S3: moto's server in this process, on a free port."""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import urllib.request
from collections.abc import Iterator, Mapping

from moto.server import ThreadedMotoServer

_numbers = itertools.count(1)


@functools.cache
def _server() -> ThreadedMotoServer:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    return server


def variables() -> Mapping[str, str]:
    """What AWS's own clients read: where it is, and a made-up identity."""
    host, port = _server().get_host_and_port()
    return {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "tests",
        "AWS_SECRET_ACCESS_KEY": "tests",
        "AWS_REGION": "us-east-1",
    }


@contextlib.contextmanager
def bucket() -> Iterator[str]:
    """The URL of a place in a new bucket, while the environment says where it is."""
    name = f"bucket-{next(_numbers)}"
    where = variables()
    before = {key: os.environ.get(key) for key in where}
    os.environ.update(where)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    opener.open(urllib.request.Request(f"{where['AWS_ENDPOINT_URL']}/{name}", method="PUT")).close()
    try:
        yield f"s3://{name}/grid"
    finally:
        for key, said in before.items():
            if said is None:
                del os.environ[key]
            else:
                os.environ[key] = said
