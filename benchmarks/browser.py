"""Chromium as a user drives it: real time, real frames, by its debugging protocol."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Self

from tornado.httpclient import AsyncHTTPClient
from tornado.websocket import WebSocketClientConnection, websocket_connect

LARGEST = 2**28  # bytes of an answer


class Browser:
    """One page of a headless browser, drawn by software; a context that ends the browser."""

    def __init__(self, downloads: Path) -> None:
        self.downloads = downloads
        self._profile = tempfile.TemporaryDirectory()
        flags = "--headless --no-sandbox --disable-gpu --remote-debugging-port=0 --window-size=1280,1000"
        command = ["chromium", *flags.split(), f"--user-data-dir={self._profile.name}", "about:blank"]
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        self._socket: WebSocketClientConnection | None = None
        self._calls = 0

    async def __aenter__(self) -> Self:
        assert self._process.stderr is not None
        port = next(m.group(1) for line in self._process.stderr if (m := re.search(r"ws://127.0.0.1:(\d+)/", line)))
        pages = json.loads((await AsyncHTTPClient().fetch(f"http://127.0.0.1:{port}/json")).body)
        address = next(page["webSocketDebuggerUrl"] for page in pages if page["type"] == "page")
        self._socket = await websocket_connect(address, max_message_size=LARGEST)
        where = {"behavior": "allow", "downloadPath": str(self.downloads)}
        await self.call("Browser.setDownloadBehavior", **where)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()
        self._profile.cleanup()

    async def call(self, method: str, **given: Any) -> dict[str, Any]:
        """Call a method of the protocol and return its result; events that come before it are passed over."""
        assert self._socket is not None
        self._calls += 1
        await self._socket.write_message(json.dumps({"id": self._calls, "method": method, "params": given}))
        while True:
            answer = json.loads(await self._socket.read_message() or "{}")
            if answer.get("id") == self._calls:
                return dict(answer.get("result", answer))

    async def ask(self, script: str) -> Any:
        """Return the value of an expression in the page, awaited."""
        how = {"awaitPromise": True, "returnByValue": True}
        answer = await self.call("Runtime.evaluate", expression=script, **how)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["exception"]["description"])
        return answer["result"].get("value")

    async def open(self, path: Path) -> None:
        await self.call("Page.navigate", url=path.resolve().as_uri())
        await self.ask(
            "new Promise((done) => document.readyState === 'complete' ? done() : addEventListener('load', done))"
        )

    async def mouse(self, kind: str, x: float, y: float) -> None:
        held = {"button": "left", "buttons": 1, "clickCount": 1}
        await self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **held)

    async def type(self, text: str) -> None:
        """Type letter by letter into what has the focus."""
        for letter in text:
            await self.call("Input.dispatchKeyEvent", type="char", text=letter)
