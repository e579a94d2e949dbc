#!/bin/sh
# Builds the image for processors with podman where no registry of images can be reached, and tries it.
#
#   sh docker/rehearse.sh FOLDER [OPTION OF podman build...]      # as root; FOLDER keeps the base, about 200 MB
#   apt-get install --no-install-recommends podman buildah runc debootstrap
#
# debootstrap makes the base from Debian's packages.
set -eu
folder=$1
shift
cd "$(dirname "$0")/.."
debian=docker.io/library/debian:bookworm-slim
export DEBIAN_FRONTEND=noninteractive
start() { podman run --runtime runc --ulimit nofile=4096:4096 --ulimit nproc=4096:4096 "$@"; } # what a sandbox allows
run() { start --rm "$@"; }

[ -d "$folder/base/usr" ] || debootstrap --variant=minbase bookworm "$folder/base" http://deb.debian.org/debian
podman image exists "$debian" || tar -C "$folder/base" --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' \
	--exclude='./var/cache/apt/*' --exclude='./var/lib/apt/lists/*' --exclude='./dev/*' -c . | podman import -q - "$debian"

podman build --isolation chroot --pull=never --format docker "$@" -t cgan .
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
