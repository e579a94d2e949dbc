#!/bin/sh
# Builds the images with podman where no registry of images can be reached, and tries what a processor can run.
#
#   sh docker/rehearse.sh FOLDER [OPTION OF podman build...]      # as root; FOLDER keeps the base, about 200 MB
#   apt-get install --no-install-recommends podman buildah runc debootstrap
#
# debootstrap makes the base from Debian's packages. The same base, with CUDA's headers, stands for NVIDIA's images, so
# all steps of their Dockerfiles run but one: TensorRT comes from NVIDIA's own index.
set -eu
folder=$1
shift
cd "$(dirname "$0")/.."
debian=docker.io/library/debian:bookworm-slim
export DEBIAN_FRONTEND=noninteractive
build() { podman build --isolation chroot --pull=never --format docker "$@"; }
start() { podman run --runtime runc --ulimit nofile=4096:4096 --ulimit nproc=4096:4096 "$@"; } # what a sandbox allows
run() { start --rm "$@"; }

[ -d "$folder/base/usr" ] || debootstrap --variant=minbase bookworm "$folder/base" http://deb.debian.org/debian
tar -C "$folder/base" --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' \
	--exclude='./var/cache/apt/*' --exclude='./var/lib/apt/lists/*' --exclude='./dev/*' -c . | podman import -q - "$debian"

echo "== the image for processors"
build "$@" -t cgan .
bytes=$(podman image inspect --format '{{.Size}}' cgan)
echo "$((bytes / 1000000)) MB unpacked, $(podman save cgan | gzip -1 | wc -c | awk '{ print int($1 / 1e6) }') MB to pull"
mkdir -p "$folder/out"
chmod 777 "$folder/out"
run --read-only --tmpfs /tmp --network none cgan cgan-doctor
run --read-only --tmpfs /tmp --network none -v "$PWD/samples:/in:ro" -v "$folder/out:/out" cgan \
	cgan-run /in/sample.mp4 -o /out --overwrite
test -s "$folder/out/sample.color.mp4"
page=$(start -d --read-only --tmpfs /tmp --network none cgan)
trap 'podman rm -f "$page" >/dev/null' EXIT
tries=30
until podman healthcheck run "$page" && break; do
	tries=$((tries - 1))
	[ "$tries" -gt 0 ] || exit 1
	sleep 2
done
echo "healthy: it serves the page as $(podman exec "$page" id -u)"

echo "== the steps of NVIDIA's images"
podman build -q --isolation chroot --pull=never "$@" -t cgan-cuda-stand-in - <<'EOF'
FROM debian:bookworm-slim
ENV PATH=/usr/local/cuda/bin:$PATH LIBRARY_PATH=/usr/local/cuda/lib64
RUN apt-get update -q && apt-get install -y --no-install-recommends python3-venv gcc libc6-dev && \
	python3 -m venv /wheels && /wheels/bin/pip install -q --no-cache-dir \
	nvidia-cuda-runtime==13.5.37 nvidia-cuda-profiler-api==13.5.25 nvidia-curand && \
	mkdir -p /usr/local/cuda/bin && cd /usr/local/cuda && mv /wheels/lib/python3*/site-packages/nvidia/cu13/include . && \
	mv /wheels/lib/python3*/site-packages/nvidia/cu13/lib lib64 && ln -s libcurand.so.10 lib64/libcurand.so && \
	printf '#!/bin/sh\n' >bin/nvcc && chmod +x bin/nvcc && echo 'int cuInit(unsigned f) { return f ? 1 : 100; }' >cuda.c && \
	gcc -shared -fPIC -Wl,-soname,libcuda.so.1 -o lib64/libcuda.so cuda.c && ln -s libcuda.so lib64/libcuda.so.1
EOF
for name in nvidia/cuda:12.8.1-cudnn-devel-ubuntu24.04 nvidia/cuda:12.8.1-cudnn-runtime-ubuntu24.04; do
	podman tag cgan-cuda-stand-in "docker.io/$name"
done
podman tag cgan-cuda-stand-in nvcr.io/nvidia/l4t-jetpack:r36.4.0
for name in cuda jetson; do
	sed 's/tensorrt-cu12==[0-9.]* //' "docker/$name.Dockerfile" >"$folder/$name.Dockerfile"
	build "$@" -f "$folder/$name.Dockerfile" -t "cgan-$name" .
	run --network none -e LD_LIBRARY_PATH=/usr/local/cuda/lib64 "cgan-$name" \
		python3 -c 'import pycuda.driver; print("pycuda", pycuda.VERSION_TEXT, "finds its libraries")'
	run --network none "cgan-$name" cgan-doctor
done
