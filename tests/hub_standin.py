"""A small hub: real HTTP, the hub's own paths and headers, on a free port of this machine. It can be made to fail."""

import hashlib
import json
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class HubStandIn:
    """What it serves, and what it was asked."""

    #: dataset → path → bytes
    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    #: model → path → bytes
    models: dict[str, dict[str, bytes]] = field(default_factory=dict)
    #: Of both: those that only a token opens.
    gated: set[str] = field(default_factory=set)
    token: str = "hf_sesame"
    #: After so many bytes of a file that has more the connection breaks, once for each entry.
    breaks: list[int] = field(default_factory=list)
    answer_with: int = 0
    #: From the next break on, it answers nothing but this status.
    after_break: int = 0
    #: (repository, path) → the size that is listed instead of the true one.
    lies: dict[tuple[str, str], int] = field(default_factory=dict)
    #: The first weights that are asked for do not come until they may.
    hangs: bool = False
    is_hanging: threading.Event = field(default_factory=threading.Event)
    may_go_on: threading.Event = field(default_factory=threading.Event)
    #: (method, path, Range header, Authorization header)
    asked: list[tuple[str, str, str, str]] = field(default_factory=list)
    url: str = ""


@contextmanager
def serving(hub: HubStandIn) -> Iterator[HubStandIn]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(hub))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def handler(hub: HubStandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.answer()

        def do_HEAD(self) -> None:
            self.answer()

        def answer(self) -> None:
            authorisation = self.headers.get("Authorization", "")
            hub.asked.append((self.command, self.path, self.headers.get("Range", ""), authorisation))
            parsed = urllib.parse.urlsplit(self.path)
            parts = [urllib.parse.unquote(part) for part in parsed.path.strip("/").split("/")]
            if hub.answer_with:
                self.say(hub.answer_with, {"error": "Something is wrong."})
            elif parts[:2] == ["api", "models"] and len(parts) == 2:
                self.search_models(urllib.parse.parse_qs(parsed.query))
            elif parts[:2] == ["api", "models"] and len(parts) >= 4:
                self.info("/".join(parts[2:4]), hub.models, parts[5] if len(parts) > 5 else "main")
            elif parts[:2] == ["api", "datasets"] and len(parts) == 2:
                self.search(urllib.parse.parse_qs(parsed.query))
            elif parts[:2] == ["api", "datasets"] and len(parts) >= 4:
                self.info("/".join(parts[2:4]), hub.files)
            elif parts[0] == "datasets" and len(parts) > 5 and parts[3] == "resolve":
                self.file("/".join(parts[1:3]), hub.files, parts[4], "/".join(parts[5:]))
            elif len(parts) > 4 and parts[2] == "resolve":
                self.file("/".join(parts[:2]), hub.models, parts[3], "/".join(parts[4:]))
            else:
                self.say(404, {"error": "Nothing here."})

        def search(self, query: dict[str, list[str]]) -> None:
            words = query.get("search", [""])[0].lower()
            found = [name for name in hub.files if words in name.lower()]
            described = [
                {
                    "id": name,
                    "downloads": 10 * len(name),
                    "likes": 3,
                    "gated": name in hub.gated,
                    "tags": [],
                    "private": False,
                }
                for name in found
            ]
            self.say(200, described[: int(query.get("limit", ["100"])[0])])

        def search_models(self, query: dict[str, list[str]]) -> None:
            words = query.get("search", [""])[0].lower()
            described = [
                {
                    "id": name,
                    "downloads": 10 * len(name),
                    "likes": 5,
                    "gated": "manual" if name in hub.gated else False,
                    "tags": ["safetensors", "license:apache-2.0"],
                    "safetensors": {"parameters": {"BF16": 1000}, "total": 1000},
                }
                for name in hub.models
                if words in name.lower()
            ]
            self.say(200, described[: int(query.get("limit", ["100"])[0])])

        def info(self, name: str, repositories: dict[str, dict[str, bytes]], revision: str = "main") -> None:
            """A gated model is listed for everybody, as on the hub; only its files are closed."""
            if name not in repositories:
                self.say(404, {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"})
            elif repositories is hub.files and not self.is_open(name, repositories):
                return
            elif revision not in ("main", COMMIT):
                self.say(404, {"error": "Invalid rev id"}, {"X-Error-Code": "RevisionNotFound"})
            else:
                listed = [self.listed(name, path, data) for path, data in repositories[name].items()]
                tags = ["license:apache-2.0"]
                self.say(200, {"id": name, "sha": COMMIT, "siblings": listed, "tags": tags, "private": False})

        def listed(self, name: str, path: str, data: bytes) -> dict[str, object]:
            size = hub.lies.get((name, path), len(data))
            found: dict[str, object] = {"rfilename": path, "size": size}
            if path.endswith(".safetensors"):
                found["lfs"] = {"size": size, "sha256": hashlib.sha256(data).hexdigest(), "pointerSize": 130}
            return found

        def file(self, name: str, repositories: dict[str, dict[str, bytes]], revision: str, path: str) -> None:
            if not self.is_open(name, repositories):
                return
            if revision not in ("main", COMMIT):
                self.say(404, {"error": "Invalid rev id"}, {"X-Error-Code": "RevisionNotFound"})
            elif path not in repositories[name]:
                self.say(404, {"error": "Entry not found"}, {"X-Error-Code": "EntryNotFound"})
            else:
                self.send(repositories[name][path])

        def send(self, data: bytes) -> None:
            wanted = self.headers.get("Range", "")
            start = int(wanted.removeprefix("bytes=").split("-")[0]) if wanted else 0
            self.send_response(206 if start else 200)
            self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Length", str(len(data) - start))
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
            self.end_headers()
            if self.command == "HEAD":
                return
            if hub.hangs and self.path.endswith(".safetensors"):
                hub.is_hanging.set()
                hub.may_go_on.wait(60)
            if hub.breaks and len(data) - start > hub.breaks[0]:
                self.wfile.write(data[start : start + hub.breaks.pop(0)])
                self.close_connection = True
                hub.answer_with = hub.after_break
                return
            self.wfile.write(data[start:])

        def is_open(self, name: str, repositories: dict[str, dict[str, bytes]]) -> bool:
            if name not in repositories:
                self.say(404, {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"})
                return False
            authorisation = self.headers.get("Authorization", "")
            if name in hub.gated and authorisation != f"Bearer {hub.token}":
                status = 403 if authorisation else 401
                self.say(status, {"error": "Access is restricted."}, {"X-Error-Code": "GatedRepo"})
                return False
            return True

        def say(self, status: int, body: object, headers: dict[str, str] | None = None) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            for key, value in {"Content-Type": "application/json", **(headers or {})}.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Tests say what matters."""

    return Handler
