#!/usr/bin/env python3
"""A page in a headless Chromium, by the Chrome DevTools Protocol through a pipe.

usage: browser.py PAGE.html PICTURE.png [--width N] [--dark] [--from SELECTOR] [--until SELECTOR]

Takes a picture of a page, or of a part of it from the first element to the last.
"""
import argparse
import base64
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

LIMIT = 60
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


def find_program():
    """The path of a Chromium, or None."""
    return next((path for path in map(shutil.which, PROGRAMS) if path), None)


class Browser:
    """A Chromium with one page; events of the page are kept in `events`."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="vector-browser.")
        self.events, self.number, self.rest = [], 0, b""
        to_read, self.to_browser = os.pipe()
        self.from_browser, to_write = os.pipe()
        # the protocol's descriptors are 3 and 4
        arguments = [find_program(), "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                     "--no-first-run", "--disable-extensions", "--disable-background-networking",
                     "--disable-component-update", "--hide-scrollbars",
                     f"--user-data-dir={self.folder}", "--remote-debugging-pipe", "about:blank"]
        self.process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{to_read} 4>&{to_write}', "bash", *arguments],
            pass_fds=(to_read, to_write), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
            env={**os.environ, "HOME": self.folder})
        os.close(to_read)
        os.close(to_write)
        self.session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")

    def receive(self):
        while b"\0" not in self.rest:
            read = os.read(self.from_browser, 1 << 20)
            if not read:
                raise RuntimeError("the browser has ended")
            self.rest += read
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **parameters):
        self.number += 1
        request = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            request["sessionId"] = self.session
        os.write(self.to_browser, json.dumps(request).encode() + b"\0")
        while True:
            message = self.receive()
            if message.get("id") == self.number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']['message']}")
                return message["result"]
            self.events.append(message)

    def open(self, path, width, dark, height=800):
        """Shows a file in a window of this width."""
        self.events.clear()
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.call("Page.navigate", url=pathlib.Path(path).resolve().as_uri())
        seen = 0
        while not any(e.get("method") == "Page.loadEventFired" for e in self.events):
            if seen == len(self.events):
                self.events.append(self.receive())
            seen += 1
            if self.events[seen - 1].get("method") == "Page.javascriptDialogOpening":
                self.call("Page.handleJavaScriptDialog", accept=True)

    def evaluate(self, expression):
        """The value of an expression, or of the promise that it is."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(json.dumps(result["exceptionDetails"])[:500])
        return result["result"].get("value")

    def errors(self):
        """What the page did that it should not: exceptions, messages, requests but for itself."""
        wrong = []
        for event in self.events:
            method, parameters = event.get("method"), event.get("params", {})
            if method == "Runtime.exceptionThrown":
                wrong.append("exception: " + json.dumps(parameters["exceptionDetails"])[:200])
            elif method in ("Runtime.consoleAPICalled", "Log.entryAdded"):
                wrong.append("message: " + json.dumps(parameters)[:200])
            elif method == "Page.javascriptDialogOpening":
                wrong.append("dialog: " + parameters["message"])
            elif method == "Network.requestWillBeSent" and parameters.get("type") != "Document":
                wrong.append("request: " + parameters["request"]["url"][:200])
        return wrong

    def picture(self, path, first="body", last="body"):
        top = f"document.querySelector({json.dumps(first)}).getBoundingClientRect().top"
        bottom = f"document.querySelector({json.dumps(last)}).getBoundingClientRect().bottom"
        y, end, width = self.evaluate(f"[{top}, {bottom}, innerWidth]")
        clip = {"x": 0, "y": max(y - 8, 0), "width": width, "height": end - max(y - 8, 0) + 8, "scale": 1}
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        with open(path, "wb") as file:
            file.write(base64.b64decode(shot["data"]))

    def close(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        os.close(self.to_browser)
        os.close(self.from_browser)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(TimeoutError("the browser does not answer")))
        signal.alarm(LIMIT)
        return self

    def __exit__(self, *_):
        signal.alarm(0)
        self.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("page")
    parser.add_argument("picture")
    parser.add_argument("--width", type=int, default=1000)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--from", dest="first", default="body")
    parser.add_argument("--until", default="body")
    options = parser.parse_args()
    with Browser() as browser:
        browser.open(options.page, options.width, options.dark)
        browser.picture(options.picture, options.first, options.until)


if __name__ == "__main__":
    main()
