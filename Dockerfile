# The image of both services; docker/docker-entrypoint.sh says what it can be told to do.
#
#   docker build -t yeti-exports .
#   docker run --read-only --tmpfs /tmp -v yeti:/opt/yeti -p 127.0.0.1:8000:8000 yeti-exports serve
ARG PYTHON_IMAGE=docker.io/library/python:3.12-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
# boto3 comes without an extra: s3:// works in this image.
ARG EXTRAS=postgres,notify,sign
WORKDIR /src
RUN python -m venv /opt/venv
COPY LICENSE README.md constraints.txt pyproject.toml yeti_exports_pytest.py ./
COPY core ./core
RUN /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check -c constraints.txt ".[${EXTRAS}]"

FROM ${PYTHON_IMAGE}
# The numbers are fixed: whoever mounts a folder gives it to them (chown 10001:10001).
RUN groupadd --gid 10001 yeti \
 && useradd --uid 10001 --gid 10001 --home-dir /opt/yeti --no-create-home --shell /usr/sbin/nologin yeti \
 && install -d -o 10001 -g 10001 -m 0755 /opt/yeti /opt/yeti/exports \
 && install -d -o 10001 -g 10001 -m 0750 /opt/yeti/plugins /opt/yeti/spool /opt/yeti/versions
COPY --from=build /opt/venv /opt/venv
COPY docker/docker-entrypoint.sh /docker-entrypoint.sh
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    YETI_HOME=/opt/yeti \
    YETI_API_HOST=0.0.0.0
WORKDIR /opt/yeti
# All that is written lies here and in /tmp: the rest may be read-only.
VOLUME ["/opt/yeti"]
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 CMD ["yetictl", "health"]
ENTRYPOINT ["/docker-entrypoint.sh"]
