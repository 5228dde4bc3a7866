"""The web application of PanoDiff Quiz: observers rate images, researchers read the results."""

import hashlib
import os
import time
from pathlib import Path

from flask import Flask

ROOT = Path(__file__).resolve().parents[1]


def create_app(quiz_data: Path | None = None) -> Flask:
    """The application over the folder `quiz_data`: by default what the environment variable QUIZ_DATA names, else
    `quiz_data/` in the project."""
    from . import cli, observer, research, web
    from .credentials import load_secrets
    from .lookups import Lookups
    from .records import Records
    from .store import open_store

    data = Path(quiz_data or os.environ.get("QUIZ_DATA") or ROOT / "quiz_data").resolve()
    secrets = load_secrets(data)
    # The address of the static files changes with their content, so that browsers may keep them for good.
    static = ROOT / "static"
    app = Flask(
        __name__,
        template_folder=ROOT / "templates",
        static_folder=static,
        static_url_path=f"/static/{_fingerprint(static)}",
    )
    app.config.update(
        SECRET_KEY=secrets.secret_key,
        RESEARCH_PASSWORD=secrets.research_password,
        QUIZ_DATA=data,
        PUBLIC_URL=os.environ.get("PUBLIC_URL"),
        CLOCK=lambda: time.time_ns() // 1_000_000,
        MAX_CONTENT_LENGTH=64 * 1024,
        SESSION_COOKIE_NAME="research",
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=12 * 3600,
        SEND_FILE_MAX_AGE_DEFAULT=365 * 24 * 3600,
    )
    app.extensions["records"] = Records(open_store(data), secrets.secret_key, Lookups(data / "news"))
    web.init_app(app)
    app.register_blueprint(observer.bp)
    app.register_blueprint(research.bp)
    cli.init_app(app)
    return app


def _fingerprint(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]
