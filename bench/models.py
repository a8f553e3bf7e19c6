"""The stand-in model server of the tests with vectors that cost next to nothing: it must not be what is measured.

    python -m bench.models PORT DIMENSIONS

A vector is put together from blocks of random numbers that the text's hash picks, so that equal texts have equal vectors and any
two others are unrelated. They look like a model's to whoever carries, stores and compares them, and find nothing.
"""

import json
import random
import sys
from hashlib import blake2b

import uvloop
from aiohttp import web
from tests.support.model_server import Behaviour, StandIn

from protostar.llm.fake import understood

_BLOCKS = 16
_CHOICES = 256


class FastStandIn(StandIn):
    def __init__(self, dimensions: int) -> None:
        super().__init__(dimensions)
        numbers = random.Random(0)
        length = dimensions // _BLOCKS
        self._blocks = [[_block(numbers, length, dimensions) for _ in range(_CHOICES)] for _ in range(_BLOCKS)]

    async def _embed(self, request: web.Request, asked: dict, behaviour: Behaviour) -> web.Response:  # noqa: ARG002
        texts = [asked["input"]] if isinstance(asked["input"], str) else asked["input"]
        vectors = [self._vector(understood(text)) for text in texts]
        items = [b'{"object":"embedding","index":%d,"embedding":[%s]}' % item for item in enumerate(vectors)]
        usage = b'{"prompt_tokens":%d,"total_tokens":%d}' % ((len(texts),) * 2)
        body = b'{"object":"list","model":"embed","data":[%s],"usage":%s}' % (b",".join(items), usage)
        return web.Response(body=body, content_type="application/json")

    def _vector(self, text: str) -> bytes:
        chosen = blake2b(text.encode(), digest_size=_BLOCKS).digest()
        return b",".join(blocks[choice] for blocks, choice in zip(self._blocks, chosen, strict=True))


def _block(numbers: random.Random, length: int, dimensions: int) -> bytes:
    """A part of a vector whose length is about 1, as JSON without brackets."""
    values = [round(numbers.gauss(0, dimensions**-0.5), 6) for _ in range(length)]
    return json.dumps(values, separators=(",", ":"))[1:-1].encode()


if __name__ == "__main__":
    web.run_app(
        FastStandIn(int(sys.argv[2])).app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, loop=uvloop.new_event_loop()
    )
