"""Google's own Firestore emulator for the tests: one a test process, kept as long as the tests run."""

import os
import shutil
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest
from live import ROOT, free_port

PACKAGE = "google-cloud-cli-firestore-emulator"
MAIN_CLASS = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
JAVA = ["java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Duser.language=en", "-cp"]
START_SECONDS = 60
PROJECT = "demo-panodiff"


class Emulator:
    """Runs on a port of its own, under the project's `firestore.rules`; stopped and started again it has what it had
    (saved in `folder` in between)."""

    def __init__(self, jar: str, folder: Path):
        self.jar, self.folder, self.port = jar, folder, free_port()
        self.process: subprocess.Popen | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which an application uses it."""
        return {
            "STORE": "firestore",
            "FIRESTORE_EMULATOR_HOST": f"127.0.0.1:{self.port}",
            "GOOGLE_CLOUD_PROJECT": PROJECT,
        }

    def start(self) -> None:
        options = ["--host=127.0.0.1", f"--port={self.port}", f"--rules={ROOT / 'firestore.rules'}"]
        options.append(f"--export-on-exit={self.folder}")
        options += [f"--import-data={saved}" for saved in self.folder.glob("*.overall_export_metadata")]
        self.process = subprocess.Popen(
            [*JAVA, self.jar, MAIN_CLASS, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        end = time.monotonic() + START_SECONDS
        while not self._answers():
            assert self.process.poll() is None, "the Firestore emulator ended at once"
            assert time.monotonic() < end, "the Firestore emulator did not start"
            time.sleep(0.05)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=START_SECONDS)

    def freeze(self) -> None:
        """Let it take requests and answer none, as a service behind a broken line does."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}", timeout=1) as reply:
                return reply.read().strip() == b"Ok"
        except OSError:
            return False


def missing() -> str | None:
    """What keeps the emulator from running here, or None."""
    if shutil.which("java") is None:
        return "java is not installed"
    return None if find_jar() else f"set FIRESTORE_EMULATOR_JAR, or install Google's Debian package {PACKAGE}"


def find_jar() -> str | None:
    if jar := os.environ.get("FIRESTORE_EMULATOR_JAR"):
        return jar
    if shutil.which("dpkg") is None:
        return None
    listed = subprocess.run(["dpkg", "-L", PACKAGE], capture_output=True, text=True).stdout.splitlines()
    return next((path for path in listed if path.endswith(".jar")), None)


@pytest.fixture(scope="session")
def emulator(tmp_path_factory):
    """The running emulator. Without it the tests fail under CI and are skipped elsewhere."""
    why = missing()
    if why and os.environ.get("CI"):
        pytest.fail(f"The Firestore emulator is needed here: {why}.")
    if why:
        pytest.skip(f"no Firestore emulator: {why}")
    running = Emulator(find_jar(), tmp_path_factory.mktemp("emulator"))
    running.start()
    yield running
    running.stop()
