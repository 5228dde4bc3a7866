# The web application alone, for Cloud Run and the like. docs/serving.md says how to build and run it.
FROM python:3.11.14-slim-bookworm AS packages
RUN python -m venv /venv
COPY requirements/web.txt requirements/analysis.txt requirements/constraints.txt /requirements/
RUN /venv/bin/pip install --no-cache-dir --disable-pip-version-check -r /requirements/web.txt

FROM python:3.11.14-slim-bookworm
RUN install --directory --owner=10001 --group=10001 --mode=700 /data
COPY --from=packages /venv /venv
WORKDIR /quiz
COPY wsgi.py gunicorn.conf.py ./
COPY app app
COPY static static
COPY templates templates
COPY quiz_data/pools/warm-up quiz_data/pools/warm-up
RUN /venv/bin/python -m compileall -q app
# By number, so that the platform can see that it is not root.
USER 10001:10001
# Everything that has to last is in /data: mount a volume there.
ENV PATH=/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 MPLCONFIGDIR=/tmp/matplotlib QUIZ_DATA=/data PORT=8080
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/health/live', timeout=4)"]
# gunicorn listens on every address, at PORT.
CMD ["gunicorn", "--config", "gunicorn.conf.py", "wsgi:app"]
