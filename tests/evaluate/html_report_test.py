#!/usr/bin/env python3
"""Opens an HTML report in headless Chromium and asserts what it shows: html_report_test.py write_report [--shots DIR].
Exits with 77 (skipped) where there is no Chromium. Speaks the DevTools protocol over pipes: no package is needed."""

import base64
import fcntl
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent


class Browser:
    """One page of a headless Chromium."""

    def __init__(self, binary: str, profile: str):
        commands, self.commands = os.pipe()
        self.answers, answers = os.pipe()

        def take_pipes() -> None:
            # Chromium reads from 3 and writes to 4; out of the way first, for the pipes may have these numbers.
            ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 20) for end in (commands, answers)]
            os.dup2(ends[0], 3)
            os.dup2(ends[1], 4)

        self.process = subprocess.Popen(
            [binary, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--mute-audio",
             "--hide-scrollbars", f"--user-data-dir={profile}", "--remote-debugging-pipe", "about:blank"],
            preexec_fn=take_pipes, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(commands)
        os.close(answers)
        self.buffer, self.next_id, self.session, self.events = b"", 0, None, []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def read(self) -> dict:
        while b"\0" not in self.buffer:
            part = os.read(self.answers, 1 << 20)
            if not part:
                raise RuntimeError("the browser ended")
            self.buffer += part
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def call(self, method: str, **params) -> dict:
        self.next_id += 1
        message = {"id": self.next_id, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.read()
            if answer.get("id") == self.next_id:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def evaluate(self, expression: str):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def open(self, path: pathlib.Path) -> None:
        self.call("Page.navigate", url=path.as_uri())
        for _ in range(100):
            if self.evaluate("document.readyState === 'complete' && document.querySelectorAll('section').length > 4"):
                return
            time.sleep(0.1)
        raise RuntimeError("the page did not draw itself")

    def view(self, width: int, height: int, dark: bool) -> None:
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def press(self, key: str, code: int, text: str = "") -> None:
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code,
                      **({"text": text} if text and kind == "keyDown" else {}))

    def shot(self, path: pathlib.Path, height: int | None = None) -> None:
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=False)["data"]
        path.write_bytes(base64.b64decode(data))

    def problems(self) -> list:
        """Errors on the console, exceptions, and anything asked of a network."""
        found = []
        for event in self.events:
            method, params = event.get("method", ""), event.get("params", {})
            if method == "Runtime.exceptionThrown":
                found.append(params["exceptionDetails"])
            elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
                found.append(params["entry"])
            elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning"):
                found.append(params)
            elif method == "Network.requestWillBeSent" and not params["request"]["url"].startswith(("file:", "data:", "about:")):
                found.append(params["request"]["url"])
        return found

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(10)


def expect(holds: bool, what: str) -> None:
    if not holds:
        sys.exit(f"expected: {what}")


def check_content(page: Browser) -> None:
    text = page.evaluate("document.body.innerText")
    for part in ("no difference in word accuracy shown", "Encoder file size (KB)", "90.00", "2.000", "A Processor",
                 "sotto compare fp16 int8", "int8 against fp16, measured on one utterance", "sotto quantize", "1 part of the data could not be used"):
        expect(part in text, f"{part!r} on the page")
    expect(page.evaluate("document.title") == "sotto: fp16, int8", "the models in the title")
    expect(page.evaluate("document.querySelectorAll('figure svg').length") >= 10, "at least ten charts")
    labels = page.evaluate("[...document.querySelectorAll('figure svg')].map((s) => s.getAttribute('aria-label')).join('\\n')")
    for part in ("Word accuracy (%)", "Drop against fp16", "Size on disk", "Encoder inference", "Decoder inference",
                 "SQNR of each layer, encoder", "Activation range of each layer, decoder",
                 "Outlier channels before and after smoothing, encoder", "as layers went back to floating point"):
        expect(part in labels, f"a chart {part!r}")
    expect(page.evaluate("document.querySelectorAll('#main-rows tbody tr').length") > 15, "the notebook's table")


def check_utterances(page: Browser) -> None:
    expect(page.evaluate("document.querySelectorAll('#utterances details').length") == 2, "two utterances")
    first = page.evaluate("document.querySelector('#utterances details').innerText")
    expect("three" in first and "tree" in first, "the most changed utterance first, with its words")
    expect(page.evaluate("document.querySelector('#utterances details .sub').title").startswith("substituted for"), "a marked substitution")
    sound = page.evaluate("""new Promise((done) => { const audio = document.querySelector('audio');
        audio.onloadedmetadata = () => done(audio.duration); audio.onerror = () => done(-1); audio.load(); })""")
    expect(0.9 < sound < 1.3, f"a second of sound that the browser can play, found {sound}")


def check_hostile_text(page: Browser) -> None:
    expect(page.evaluate("window.injected === undefined"), "no script from a transcript")
    expect(page.evaluate("document.querySelectorAll('#main img, #main script, #main b.evil').length") == 0, "no markup from a transcript")
    expect("</script><script>window.injected=1</script>" in page.evaluate("document.body.innerText"), "hostile text shown as text")


def check_keyboard(page: Browser) -> None:
    page.evaluate("document.activeElement.blur()")
    reached = []
    for _ in range(60):
        page.press("Tab", 9)
        reached.append(page.evaluate("document.activeElement.className + document.activeElement.id + document.activeElement.tagName"))
    for part in ("skip", "theme", "SUMMARY", "AUDIO", "PRE"):
        expect(any(part in name for name in reached), f"{part} within reach of the Tab key, found {reached}")
    page.evaluate("document.getElementById('theme').focus()")
    before = page.evaluate("document.documentElement.dataset.theme")
    page.press("Enter", 13, "\r")
    expect(page.evaluate("document.documentElement.dataset.theme") != before, "Enter to change the theme")
    page.evaluate("document.querySelector('#utterances summary').focus()")
    opened = page.evaluate("document.querySelector('#utterances details').open")
    page.press("Enter", 13, "\r")
    expect(page.evaluate("document.querySelector('#utterances details').open") != opened, "Enter to open an utterance")


def check_narrow(page: Browser) -> None:
    page.view(360, 800, dark=False)
    time.sleep(0.3)
    expect(page.evaluate("document.documentElement.scrollWidth <= 360"), "no sideways scrolling at 360 pixels")
    expect(page.evaluate("[...document.querySelectorAll('figure svg')].every((s) => s.getBoundingClientRect().width <= 360)"), "charts as wide as the page")


def main() -> int:
    binary = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)
    if binary is None:
        print("skipped: no chromium found (apt-get install chromium)")
        return 77
    with tempfile.TemporaryDirectory() as work:
        report = pathlib.Path(work) / "report.html"
        subprocess.run([sys.argv[1], report], check=True)
        expect(report.stat().st_size < 3_000_000, "less than 3 MB")
        page = Browser(binary, work + "/profile")
        try:
            page.view(1100, 900, dark=False)
            page.open(report)
            expect(page.evaluate("document.documentElement.dataset.theme") == "light", "light where the reader's system is")
            for check in (check_content, check_utterances, check_hostile_text, check_keyboard, check_narrow):
                check(page)
            page.view(1100, 900, dark=True)
            page.open(report)
            expect(page.evaluate("document.documentElement.dataset.theme") == "dark", "dark where the reader's system is")
            expect(len(page.call("Page.printToPDF")["data"]) > 10_000, "pages in print")
            expect(not page.problems(), f"no errors and no network, found {page.problems()}")
        finally:
            page.close()
    print("the report shows what it should")
    return 0


if __name__ == "__main__":
    sys.exit(main())
