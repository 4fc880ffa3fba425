#!/usr/bin/env bash
# Measures bin/weir and draws docs/memory.svg: resident memory over time, of one
# run under a cap of 32 MiB and one under 64 MiB, from a source that is faster
# into a sink that is slow. Linux alone has the /proc it reads.
set -euo pipefail
cd "$(dirname "$0")/.."

size=3GiB
source="gen://?size=$size&streams=48"
sink='slow://?delay=20ms&concurrency=3'
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# sample CAP: prints "seconds KiB" every 100 ms of a run under CAP MiB.
sample() {
	local cap=$1 pid start now rss
	bin/weir cp "$source" "$sink" --memory "${cap}MiB" --json >"$tmp/$cap.json" &
	pid=$!
	start=$(date +%s%N)
	while rss=$(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status" 2>/dev/null) && [ -n "$rss" ]; do
		now=$(date +%s%N)
		awk -v t=$((now - start)) -v r="$rss" 'BEGIN { printf "%.2f %d\n", t / 1e9, r }'
		sleep 0.1
	done
	wait "$pid"
}

for cap in 32 64; do
	echo "measuring under $cap MiB" >&2
	sample $cap >"$tmp/$cap"
	awk -v cap=$cap '$2 > max { max = $2 } END { printf "  peak %.1f MiB in %.1f s\n", max / 1024, $1 }' "$tmp/$cap" >&2
done

awk -v size="$size" -v sink="$sink" -f scripts/picture.awk "$tmp/32" "$tmp/64" >"$tmp/memory.svg"
mv "$tmp/memory.svg" docs/memory.svg
echo "docs/memory.svg" >&2
