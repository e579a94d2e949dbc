# syntax=docker/dockerfile:1
# cgan for processors: as a user without rights, on a file system that may be read-only.
#
#   docker build -t cgan .                                  # EXTRAS=cpu,cluster adds Ray
#   docker run --rm --read-only --tmpfs /tmp -v "$PWD:/work" -u "$(id -u):$(id -g)" cgan cgan-run in.mp4
#   docker run --rm --read-only --tmpfs /tmp -p 8000:8000 cgan      # the page; it prints a token

FROM debian:bookworm-slim AS build
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends python3 python3-venv && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY runtime runtime
COPY train train
COPY export export
COPY benchmarks benchmarks
COPY docker docker
ARG EXTRAS=cpu,live
RUN sh docker/install.sh /src /opt/cgan "$EXTRAS"

FROM debian:bookworm-slim
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends python3 && rm -rf /var/lib/apt/lists/* \
	&& useradd --uid 10001 --no-create-home --home-dir /tmp cgan
COPY --from=build /opt/cgan /opt/cgan
COPY docker/healthcheck.py /opt/healthcheck.py
ENV PATH=/opt/cgan/bin:$PATH PYTHONDONTWRITEBYTECODE=1 XDG_CACHE_HOME=/tmp/cache HOME=/tmp
USER 10001:10001
WORKDIR /work
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=10s --start-period=20s CMD ["python3", "/opt/healthcheck.py"]
CMD ["cgan-run", "--serve", "0.0.0.0:8000"]
