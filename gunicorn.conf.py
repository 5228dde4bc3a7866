"""How the quiz is served: a few processes, each with enough threads that a slow line holds up nobody else."""

import os

workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
worker_class = "gthread"
threads = 8
preload_app = True  # starts faster, and a mistake in the configuration is told once
timeout = 60
graceful_timeout = 20
keepalive = 30
# Observers' links stand in the addresses: an access log would keep them.
accesslog = None
loglevel = os.environ.get("LOG_LEVEL", "warning")
