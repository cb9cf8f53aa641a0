# SPDX-License-Identifier: MIT
"""A browser that a test drives: chromedriver over HTTP, nothing else."""
import base64
import json
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ARGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic",
        "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", "--hide-scrollbars",
        "--window-size=1500,1100"]
KEYS = {"Down": "\ue015", "Up": "\ue013", "End": "\ue010", "Home": "\ue011",
        "Tab": "\ue004", "Enter": "\ue007", "Clear": "\ue000"}


class Browser:
    def __init__(self):
        self.process = subprocess.Popen(
            ["chromedriver", "--port=0"], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True)
        port = None
        for line in self.process.stdout:
            found = re.search(r"successfully on port (\d+)", line)
            if found:
                port = found.group(1)
                break
        if not port:
            raise SystemExit("chromedriver does not start")
        self.url = f"http://127.0.0.1:{port}"
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        caps = {"goog:chromeOptions": {
            "args": ARGS + [f"--user-data-dir={self.profile.name}"]},
            "goog:loggingPrefs": {"browser": "ALL"}}
        made = self.call("POST", "/session",
                         {"capabilities": {"alwaysMatch": caps}})
        self.url += "/session/" + made["sessionId"]

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.url + path, data=data, method=method,
            headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as e:
            raise SystemExit(f"{path}: {e.read().decode()[:800]}") from e

    def open(self, url):
        self.call("POST", "/url", {"url": url})

    def run(self, script, *args):
        return self.call("POST", "/execute/sync",
                         {"script": script, "args": list(args)})

    def element(self, css):
        found = self.call("POST", "/element",
                          {"using": "css selector", "value": css})
        return list(found.values())[0]

    def click(self, css):
        # Not below what sticks to the window's edge.
        self.run("document.querySelector(arguments[0])"
                 ".scrollIntoView({block: 'center'})", css)
        self.call("POST", f"/element/{self.element(css)}/click", {})

    def type(self, css, text):
        self.call("POST", f"/element/{self.element(css)}/value",
                  {"text": text})

    def keys(self, *names):
        """To whatever has the focus."""
        actions = []
        for name in names:
            key = KEYS.get(name, name)
            actions += [{"type": "keyDown", "value": key},
                        {"type": "keyUp", "value": key}]
        self.call("POST", "/actions", {"actions": [
            {"type": "key", "id": "keyboard", "actions": actions}]})

    def media(self, **features):
        """prefers_color_scheme="dark" and the like."""
        self.call("POST", "/goog/cdp/execute", {
            "cmd": "Emulation.setEmulatedMedia", "params": {"features": [
                {"name": k.replace("_", "-"), "value": v}
                for k, v in features.items()]}})

    def size(self, width, height):
        self.call("POST", "/window/rect", {"width": width, "height": height})

    def shot(self, path):
        with open(path, "wb") as f:
            f.write(base64.b64decode(self.call("GET", "/screenshot")))

    def complaints(self):
        return [e["message"] for e in
                self.call("POST", "/se/log", {"type": "browser"})
                if e["level"] in ("SEVERE", "WARNING")]

    def close(self):
        try:
            self.call("DELETE", "")
        finally:
            self.process.terminate()
            self.process.wait(20)
            time.sleep(0.1)
            self.profile.cleanup()


def check(truth, words):
    if not truth:
        print(f"FAILED: {words}")
        sys.exit(1)
    print(f"   {words}")
