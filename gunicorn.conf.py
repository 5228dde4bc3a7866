"""How the quiz is served: a few processes, each with a loop for what needs no waiting, and many threads, because a slow
line holds a thread for as long as it takes. Where strangers can reach the server, a buffering proxy (ngrok, nginx,
Cloud Run) belongs in front of it."""

import os

workers = int(os.environ.get("WEB_CONCURRENCY") or 2)
worker_class = "app.worker.Worker"
threads = 32
preload_app = True  # starts faster, and a mistake in the configuration is told once
timeout = 60
graceful_timeout = 20
keepalive = 30
logger_class = "app.logs.Logger"
loglevel = os.environ.get("LOG_LEVEL") or "info"
# Proxies' headers are the application's business (TRUSTED_PROXIES); gunicorn would believe anybody on this machine.
forwarded_allow_ips = ""
# Nobody asks it anything, and it would lie in the home folder, one for all servers of an account.
control_socket_disable = True
# Workers show that they live by touching a file: in memory, because a busy disk would look like a dead worker.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
