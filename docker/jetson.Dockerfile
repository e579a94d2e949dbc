# syntax=docker/dockerfile:1
# cgan for Jetsons with JetPack 6: TensorRT 10.3, CUDA 12.6, Python 3.10. Not built by anybody yet.
#
#   docker build -f docker/jetson.Dockerfile -t cgan-jetson .      # on the Jetson
#   docker run --rm --runtime nvidia -v cgan-cache:/cache -v "$PWD:/work" cgan-jetson \
#       cgan-run in.mp4 --model edge-fp16.onnx --backend tensorrt

FROM nvcr.io/nvidia/l4t-jetpack:r36.4.0 AS build
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends build-essential python3-dev python3-venv \
	&& rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY runtime runtime
COPY train train
COPY export export
COPY benchmarks benchmarks
COPY docker docker
# TensorRT's Python package belongs to the system. ONNX Runtime is the back end where TensorRT fails.
RUN VENV_OPTIONS=--system-site-packages sh docker/install.sh /src /opt/cgan cpu,live
RUN python3 -m venv /opt/pip && PATH=/usr/local/cuda/bin:$PATH \
	/opt/pip/bin/pip --python /opt/cgan/bin/python3 install --no-cache-dir pycuda==2026.1

FROM nvcr.io/nvidia/l4t-jetpack:r36.4.0
RUN useradd --uid 10001 --no-create-home --home-dir /tmp --groups video cgan && install -d -o cgan /cache
COPY --from=build /opt/cgan /opt/cgan
COPY docker/healthcheck.py /opt/healthcheck.py
ENV PATH=/opt/cgan/bin:$PATH PYTHONDONTWRITEBYTECODE=1 XDG_CACHE_HOME=/cache HOME=/tmp
USER 10001:10001
WORKDIR /work
VOLUME /cache
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=10s --start-period=900s CMD ["python3", "/opt/healthcheck.py"]
CMD ["cgan-run", "--serve", "0.0.0.0:8000"]
