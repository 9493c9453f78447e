# An image with Locust and the Katydid workloads (docker run IMAGE -f stream.py …), and `katydid` itself
# (docker run --entrypoint katydid IMAGE …). Our CI does not run it, because it has no Docker: see deploy/README.md.
FROM python:3.13-slim AS build
WORKDIR /source
RUN python -m venv /venv
COPY requirements/run.txt requirements/run.txt
RUN /venv/bin/pip install --no-cache-dir --require-hashes -r requirements/run.txt
COPY pyproject.toml README.md LICENSE ./
COPY locustfiles locustfiles
COPY thresholds thresholds
COPY src src
RUN /venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.13-slim
COPY --from=build /venv /venv
COPY locustfiles /workloads
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 LOAD_TEST_RESULTS=/reports
RUN useradd --create-home --uid 1000 locust && install --directory --owner locust /reports
USER locust
WORKDIR /workloads
EXPOSE 8089 5557
ENTRYPOINT ["locust"]
CMD ["-f", "stream.py", "--web-host", "*"]
