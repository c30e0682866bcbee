"""This file is where tests drive real browsers as a person would, by W3C WebDriver.

Chromium and WebKitGTK have a driver of their own beside them; Firefox listens by itself, and speaks
the same commands over its own socket.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx

from web.browsers.starting import BROWSERS, CHROMIUM_FLAGS, FIREFOX_PREFERENCES, program_of

NAMES = tuple(BROWSERS)
#: Method, path, body → what the driver answers.
Send = Callable[[str, str, Mapping[str, Any]], Any]
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
#: A cold browser on a busy machine.
START_S = 120
WAIT_S = 60
#: A telephone's.
NARROW = (390, 844)


class Refused(Exception):
    """The driver's answer is an error; it begins with its W3C name."""


class Remote:
    """One browser, with one tab in view."""

    def __init__(self, name: str, send: Send, session: int) -> None:
        self.name, self._send, self._session = name, send, session

    def cpu_s(self) -> float:
        """Seconds of processor time that its living processes have used."""
        ticks = sum(_ticks(one, self._session) for one in Path("/proc").glob("[0-9]*/stat"))
        return ticks / os.sysconf("SC_CLK_TCK")

    def get(self, url: str) -> None:
        """Go there; ends when the page has loaded."""
        self._send("POST", "url", {"url": url})

    def reload(self) -> None:
        self._send("POST", "refresh", {})

    def run(self, code: str, *arguments: Any) -> Any:
        """What these statements return in the document in view."""
        return self._send("POST", "execute/sync", {"script": code, "args": list(arguments)})

    def find(self, selector: str) -> Mapping[str, str]:
        """The element, as soon as it is there; `host >>> inner` looks inside a shadow root."""
        code = """
          let place = document, found = null;
          for (const part of arguments[0].split(">>>")) {
            found = place?.querySelector(part.trim()); place = found?.shadowRoot;
          }
          return found;
        """
        found: Mapping[str, str] | None = None

        def there() -> bool:
            nonlocal found
            found = self.run(code, selector)
            return found is not None

        self.until(there, f"{selector} to be there")
        assert found is not None
        return found

    def click(self, selector: str) -> None:
        """A person's click."""
        element = self.find(selector)
        self._send("POST", f"element/{element[ELEMENT]}/click", {})

    def press(self, selector: str, keys: str) -> None:
        """Keys typed on an element."""
        element = self.find(selector)
        self._send("POST", f"element/{element[ELEMENT]}/value", {"text": keys})

    def text(self, selector: str) -> str:
        """Of an element, as it is read."""
        element = self.find(selector)
        return str(self._send("GET", f"element/{element[ELEMENT]}/text", {}))

    def see(self, selector: str, text: str, limit_s: float = WAIT_S) -> None:
        """Wait until an element says so."""
        self.until(lambda: text in self.text(selector), f"{selector} to say {text!r}", limit_s)

    def until(self, holds: Callable[[], bool], what: str, limit_s: float = WAIT_S) -> None:
        """Wait; a document that is being replaced is looked at again."""
        deadline = time.monotonic() + limit_s
        while True:
            try:
                if holds():
                    return
                trouble = ""
            except Refused as error:
                trouble = f": {error}"
            assert time.monotonic() < deadline, f"{self.name}: waited in vain for {what}{trouble}"
            time.sleep(0.05)

    def enter(self, selector: str) -> None:
        """Look into a frame of the document in view."""
        self._send("POST", "frame", {"id": self.find(selector)})

    def leave(self) -> None:
        """Look at the tab's own document again."""
        self._send("POST", "frame", {"id": None})

    def tabs(self) -> list[str]:
        return list(self._send("GET", "window/handles", {}))

    def tab(self) -> str:
        """The one in view."""
        return str(self._send("GET", "window", {}))

    def show(self, tab: str) -> None:
        self._send("POST", "window", {"handle": tab})

    def settled(self, selector: str, quiet_s: float = 2) -> str:
        """What an element says once it says the same for a while."""
        said, since = self.text(selector), time.monotonic()
        while time.monotonic() - since < quiet_s:
            time.sleep(0.1)
            now = self.text(selector)
            if now != said:
                said, since = now, time.monotonic()
        return said

    def new_tab(self) -> str:
        """Opened and in view; the one before is hidden."""
        return self._new("tab")

    def new_window(self) -> str:
        """Opened beside the one before, which stays in view."""
        return self._new("window")

    def _new(self, kind: str) -> str:
        made = self._send("POST", "window/new", {"type": kind})
        self.show(made["handle"])
        return str(made["handle"])

    def close_tab(self) -> None:
        self._send("DELETE", "window", {})

    def close_others(self, home: str) -> None:
        """Every tab but one, which is in view then."""
        for tab in self.tabs():
            if tab != home:
                self.show(tab)
                self.close_tab()
        self.show(home)

    def resize(self, width: int, height: int) -> None:
        """The window; its page is somewhat smaller."""
        self._send("POST", "window/rect", {"width": width, "height": height})

    def picture(self, path: Path) -> None:
        """A PNG of what is in view."""
        path.write_bytes(base64.b64decode(self._send("GET", "screenshot", {})))


@contextmanager
def driven(
    name: str, folder: Path, preferences: Mapping[str, str] | None = None
) -> Iterator[Remote]:
    """A browser with a fresh profile; `preferences` are Firefox's."""
    program = program_of(name)
    assert program is not None, f"{name} is not installed"
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        if name == "firefox":
            started = stack.enter_context(_marionette(program, folder, preferences or {}))
        else:
            started = stack.enter_context(_driver(name, program, folder))
        yield Remote(name, *started)


def _ticks(stat: Path, session: int) -> int:
    """Of a process of that session (proc(5): fields 6, 14 and 15); 0 for any other."""
    try:
        fields = stat.read_text().rpartition(")")[2].split()
    except OSError:
        return 0  # it has just ended
    return int(fields[11]) + int(fields[12]) if int(fields[3]) == session else 0


@contextmanager
def _driver(name: str, program: str, folder: Path) -> Iterator[tuple[Send, int]]:
    port = _free_port()
    if name == "chromium":
        driver = ["chromedriver", f"--port={port}"]
        flags = [*CHROMIUM_FLAGS, "--no-sandbox", f"--user-data-dir={folder / 'profile'}"]
        options: Mapping[str, Any] = {"goog:chromeOptions": {"binary": program, "args": flags}}
    else:
        driver = ["WebKitWebDriver", f"--port={port}"]
        options = {"webkitgtk:browserOptions": {"binary": program, "args": ["--automation"]}}
    with ExitStack() as stack:
        environment = {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
        if name == "webkit":
            environment["DISPLAY"] = stack.enter_context(_screen())
        process = stack.enter_context(_process(driver, folder, environment))
        base = f"http://127.0.0.1:{port}"
        http = stack.enter_context(httpx.Client(trust_env=False, timeout=START_S))
        _until_listening(port)
        started = _answer(http.post(f"{base}/session", json=_wanted(options)))
        session = f"{base}/session/{started['sessionId']}"

        def send(method: str, path: str, body: Mapping[str, Any]) -> Any:
            sent = {"json": body} if method == "POST" else {}
            return _answer(http.request(method, f"{session}/{path}", **sent))

        try:
            yield send, process.pid
        finally:
            http.delete(session)


def _wanted(options: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"capabilities": {"alwaysMatch": dict(options)}}


def _answer(response: httpx.Response) -> Any:
    value = response.json()["value"]
    if response.status_code != 200:
        raise Refused(f"{value['error']}: {value['message']}")
    return value


#: W3C's method and path → Firefox's name of the command.
MARIONETTE = {
    "POST url": "Navigate",
    "POST refresh": "Refresh",
    "POST execute/sync": "ExecuteScript",
    "POST frame": "SwitchToFrame",
    "GET window/handles": "GetWindowHandles",
    "GET window": "GetWindowHandle",
    "POST window": "SwitchToWindow",
    "POST window/new": "NewWindow",
    "DELETE window": "CloseWindow",
    "POST window/rect": "SetWindowRect",
    "GET screenshot": "TakeScreenshot",
    "POST element/click": "ElementClick",
    "POST element/value": "ElementSendKeys",
    "GET element/text": "GetElementText",
}


@contextmanager
def _marionette(
    program: str, folder: Path, preferences: Mapping[str, str]
) -> Iterator[tuple[Send, int]]:
    port = _free_port()
    profile = folder / "profile"
    profile.mkdir(parents=True)
    chosen = {**FIREFOX_PREFERENCES, "marionette.port": str(port), **preferences}
    lines = [f'user_pref("{key}", {value});\n' for key, value in chosen.items()]
    (profile / "user.js").write_text("".join(lines))
    command = [program, "--headless", "--no-remote", "--marionette", "--profile", str(profile)]
    with _process(command, folder, {"HOME": str(folder)}) as process:
        _until_listening(port)
        with socket.create_connection(("127.0.0.1", port), timeout=START_S) as line:
            _heard(line)
            numbers = itertools.count(1)

            def command_of(name: str, body: Mapping[str, Any]) -> Any:
                message = json.dumps([0, next(numbers), name, dict(body)]).encode()
                line.sendall(b"%d:%s" % (len(message), message))
                _, _, error, value = _heard(line)
                if error:
                    raise Refused(f"{error['error']}: {error['message']}")
                return value

            def send(method: str, path: str, body: Mapping[str, Any]) -> Any:
                place, _, rest = path.partition("/")
                if place == "element":
                    element, _, path = rest.partition("/")
                    body, path = {"id": element, **body}, f"element/{path}"
                elif path == "screenshot":
                    body = {"full": False}
                elif path == "frame" and body["id"]:
                    body = {"element": body["id"][ELEMENT]}
                value = command_of(f"WebDriver:{MARIONETTE[f'{method} {path}']}", body)
                return value["value"] if isinstance(value, dict) and "value" in value else value

            command_of("WebDriver:NewSession", {})
            yield send, process.pid


def _heard(line: socket.socket) -> Any:
    """One message: its length, a colon, JSON."""
    length = b""
    while not length.endswith(b":"):
        length += _exactly(line, 1)
    return json.loads(_exactly(line, int(length[:-1])))


def _exactly(line: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = line.recv(count - len(data))
        assert more, "the browser ended"
        data += more
    return data


@contextmanager
def _process(
    command: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Ends with everything that it started."""
    with (folder / "browser.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def _screen() -> Iterator[str]:
    program = shutil.which("Xvfb")
    assert program is not None, "Xvfb is not installed"
    command = [program, "-displayfd", "1", "-nolisten", "tcp", "-screen", "0", "1280x900x24"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        try:
            yield f":{process.stdout.readline().decode().strip()}"
        finally:
            process.kill()


def _until_listening(port: int) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline, "the driver did not start"
            time.sleep(0.05)
        else:
            return


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])
