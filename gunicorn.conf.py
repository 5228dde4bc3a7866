"""How the quiz is served: a few processes, each with many threads, because a slow line holds a thread for as long as it
takes. Where strangers can reach the server, a buffering proxy (ngrok, nginx, Cloud Run) belongs in front of it."""

import os

workers = int(os.environ.get("WEB_CONCURRENCY") or 2)
worker_class = "gthread"
threads = 32
preload_app = True  # starts faster, and a mistake in the configuration is told once
timeout = 60
graceful_timeout = 20
keepalive = 30
# Observers' links stand in the addresses: an access log would keep them.
accesslog = None
loglevel = os.environ.get("LOG_LEVEL", "warning")
