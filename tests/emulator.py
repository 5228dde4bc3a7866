"""Google's own Firestore emulator for the tests: one a test process, kept as long as the tests run."""

import json
import os
import secrets
import shutil
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

import grpc
import pytest
from live import ROOT, free_port

from app.store import StoreError
from app.store.firestore import EMULATOR_OWNER, FirestoreStore

PACKAGE = "google-cloud-cli-firestore-emulator"
MAIN_CLASS = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
JAVA = ["java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Duser.language=en", "-cp"]
START_SECONDS = 60
PROJECT = "demo-panodiff"


class Emulator:
    """Runs on a port of its own, under the project's `firestore.rules`. Started again after `stop`, it has what it had
    before, which lies in `folder` in between."""

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
        options += [f"--seed_from_export={saved}" for saved in self.folder.glob("*/*.overall_export_metadata")]
        self.process = subprocess.Popen(
            [*JAVA, self.jar, MAIN_CLASS, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        end = time.monotonic() + START_SECONDS
        while not self._answers():
            assert self.process.poll() is None, "the Firestore emulator ended at once"
            assert time.monotonic() < end, "the Firestore emulator did not start"
            time.sleep(0.05)
        while not self._works():
            assert time.monotonic() < end, "the Firestore emulator did not work"

    def stop(self) -> None:
        """It keeps its documents in memory alone, so save them first; nobody may be writing."""
        for saved in self.folder.iterdir():
            shutil.rmtree(saved)
        self._save()
        self.end()

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=START_SECONDS)

    def freeze(self) -> None:
        """Let it take requests and answer none, as a service behind a broken line does."""
        self.process.send_signal(signal.SIGSTOP)
        os.waitpid(self.process.pid, os.WUNTRACED)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def _works(self) -> bool:
        """Java is slow the first time: the first write may outlast what an application would wait."""
        warm = FirestoreStore(
            PROJECT, "warm-up", lambda: grpc.insecure_channel(f"127.0.0.1:{self.port}"), EMULATOR_OWNER
        )
        try:
            warm.update("kind", "key", lambda old: {})
            return warm.count("kind") == 1
        except StoreError:
            return False

    def _save(self) -> None:
        place = {"export_directory": str(self.folder), "export_name": "saved"}
        body = json.dumps({"database": f"projects/{PROJECT}/databases/(default)", **place}).encode()
        address = f"http://127.0.0.1:{self.port}/emulator/v1/projects/{PROJECT}:export"
        request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=START_SECONDS) as reply:
            reply.read()

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
    running.end()


@pytest.fixture
def firestore(emulator, monkeypatch):
    """The emulator as the store that `open_store` and `create_app` take, empty for this test."""
    for name, value in emulator.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("FIRESTORE_PREFIX", f"test-{secrets.token_hex(8)}")
    return emulator
