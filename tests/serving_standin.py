"""A stand-in for a serving worker: its files and its socket without a model, and it misbehaves on request.

`python tests/serving_standin.py <mood file> <worker folder>`: the mood is read at start and at every request:
{"fail": "a sentence", "refuse": ["adapter name"], "answer": "text"}
"""

import json
import socketserver
import sys
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

MOOD, FOLDER = Path(sys.argv[1]), Path(sys.argv[2])
ADAPTERS: list[str] = []


def mood() -> dict[str, Any]:
    told: dict[str, Any] = json.loads(MOOD.read_text()) if MOOD.exists() else {}
    return told


class Handler(BaseHTTPRequestHandler):
    def address_string(self) -> str:
        return "core"

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""

    def do_PUT(self) -> None:
        name = self.path.rpartition("/")[2]
        self.rfile.read(int(self.headers["content-length"]))
        if name in mood().get("refuse", ()):
            return self._say(409, {"error": {"message": f"No engine holds {name}."}})
        ADAPTERS.append(name)
        self._say(200, {"adapters": ADAPTERS})

    def do_DELETE(self) -> None:
        ADAPTERS.remove(self.path.rpartition("/")[2])
        self._say(200, {"adapters": ADAPTERS})

    def do_GET(self) -> None:
        self._say(200, {"adapters": ADAPTERS})

    def _say(self, status: int, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


def main() -> int:
    if sentence := mood().get("fail"):
        (FOLDER / "failed.json").write_text(json.dumps({"cause": "internal", "message": sentence}))
        return 1
    server = Server(str(FOLDER / "socket"), Handler)
    (FOLDER / "ready.part").write_text("{}")
    (FOLDER / "ready.part").rename(FOLDER / "ready.json")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.buffer.read()  # until core lets go
    return 0


if __name__ == "__main__":
    sys.exit(main())
