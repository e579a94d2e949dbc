# syntax=docker/dockerfile:1
# cgan for NVIDIA cards: ONNX Runtime with CUDA, and TensorRT. Not built by anybody yet.
#
#   docker build -f docker/cuda.Dockerfile -t cgan-cuda .
#   docker run --rm --gpus all -v cgan-cache:/cache -v "$PWD:/work" cgan-cuda cgan-run in.mp4
#
# The volume keeps the engine, which takes minutes to build. The host needs driver 525 or newer and NVIDIA's container
# toolkit.

FROM nvidia/cuda:12.8.1-cudnn-devel-ubuntu24.04 AS build
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
RUN printf '%s\n' 'onnxruntime-gpu==1.23.2' >>constraints.txt && sh docker/install.sh /src /opt/cgan gpu,live
# pycuda is compiled here: its headers are in this stage only.
RUN python3 -m venv /opt/pip && /opt/pip/bin/pip --python /opt/cgan/bin/python3 install --no-cache-dir \
	tensorrt-cu12==10.13.3.9 pycuda==2026.1

FROM nvidia/cuda:12.8.1-cudnn-runtime-ubuntu24.04
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends python3 && rm -rf /var/lib/apt/lists/* \
	&& useradd --uid 10001 --no-create-home --home-dir /tmp cgan && install -d -o cgan /cache
COPY --from=build /opt/cgan /opt/cgan
COPY docker/healthcheck.py /opt/healthcheck.py
# "video" gives the container NVDEC and NVENC.
ENV PATH=/opt/cgan/bin:$PATH PYTHONDONTWRITEBYTECODE=1 XDG_CACHE_HOME=/cache HOME=/tmp \
	NVIDIA_DRIVER_CAPABILITIES=compute,utility,video
USER 10001:10001
WORKDIR /work
VOLUME /cache
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=10s --start-period=600s CMD ["python3", "/opt/healthcheck.py"]
CMD ["cgan-run", "--serve", "0.0.0.0:8000"]
