"""Clients that watch a page without a browser: what a browser says to the studio, said by a small program.

    .venv/bin/python benchmarks/viewers.py URL COUNT

Each one loads the page, connects its websocket, tells that its charts are drawn, and acknowledges what arrives; it
draws nothing, so that twenty of them leave the machine to the studio. A line on standard input ends it; then one line
of JSON says what arrived. It follows NiceGUI's own JavaScript (`nicegui.js`: parseElements, createApp, ack).
"""

import ast
import asyncio
import html
import json
import re
import sys
import uuid
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import socketio

QUERY = re.compile(r"query: (\{.*?\}),\n")
ELEMENTS = re.compile(r"parseElements\(String\.raw`(.*?)`\)", re.DOTALL)
DRAWN = "plotly_afterplot"
ACK_EVERY = 20


class Viewer:
    def __init__(self, url: str) -> None:
        self._url = url
        self._socket = socketio.AsyncClient(reconnection=False)
        self._socket.on("*", self._hear)
        self.messages = self.extensions = 0

    async def open(self, http: httpx.AsyncClient) -> None:
        page = await http.get(self._url)
        page.raise_for_status()
        query, elements = QUERY.search(page.text), ELEMENTS.search(page.text)
        assert query, "The page names no client: NiceGUI's template has changed."
        assert elements, "The page lists no elements: NiceGUI's template has changed."
        told = ast.literal_eval(query[1])  # a Python dictionary, written as it is
        self._client = told["client_id"]
        tab = {"document_id": str(uuid.uuid4()), "tab_id": str(uuid.uuid4()), "implicit_handshake": "true"}
        split = urlsplit(self._url)
        await self._socket.connect(
            f"{split.scheme}://{split.netloc}/?{urlencode(told | tab)}",
            transports=["websocket"],
            socketio_path="/_nicegui_ws/socket.io",
        )
        await self._tell_drawn(json.loads(html.unescape(elements[1].replace("&#96;", "`"))))

    async def _tell_drawn(self, elements: dict[str, Any]) -> None:
        for number, element in elements.items():
            for event in element.get("events", ()):
                if event["type"] == DRAWN:
                    empty = json.dumps([len(trace["x"]) for trace in element["props"]["options"]["data"]])
                    said = {"id": int(number), "client_id": self._client, "listener_id": event["listener_id"]}
                    await self._socket.emit("event", said | {"args": [empty]})

    async def _hear(self, event: str, content: dict[str, Any]) -> None:
        self.messages += 1
        self.extensions += event == "run_javascript" and "extendTraces" in str(content)
        if self.messages % ACK_EVERY == 0 and "_id" in content:
            await self._socket.emit("ack", {"client_id": self._client, "next_message_id": content["_id"] + 1})

    async def close(self) -> None:
        await self._socket.disconnect()


async def watch(url: str, count: int) -> None:
    viewers = [Viewer(url) for _ in range(count)]
    async with httpx.AsyncClient(timeout=60) as http:
        for viewer in viewers:
            await viewer.open(http)
    print("watching", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    counts = {"messages": [each.messages for each in viewers], "extensions": [each.extensions for each in viewers]}
    for viewer in viewers:
        await viewer.close()
    print(json.dumps(counts), flush=True)


if __name__ == "__main__":
    asyncio.run(watch(sys.argv[1], int(sys.argv[2])))
