#!/usr/bin/env bash
# The main job on real data: a fast disk, a slow sink, a cap on memory. Then the
# same data from file to file, with its checksums compared. Takes about 20
# seconds and 260 MB below $TMPDIR, which it gives back.
set -euo pipefail
cd "$(dirname "$0")/.."

cap_mib=32
copies=9 # of the data set in each day's file

command -v "${GO:-go}" >/dev/null || { echo "demo: Go 1.26 or later is needed: https://go.dev/dl/" >&2; exit 1; }

say() { printf '\n== %s\n' "$*"; }
sums() { # of every file below $1, sorted by name
	local sum=(sha256sum)
	command -v sha256sum >/dev/null || sum=(shasum -a 256)
	(cd "$1" && find . -type f -print | LC_ALL=C sort | xargs "${sum[@]}")
}

tmp=$(mktemp -d "${TMPDIR:-/tmp}/weir-demo.XXXXXX")
sampler=
cleanup() {
	[ -z "$sampler" ] || kill "$sampler" 2>/dev/null || true
	rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

say "building bin/weir"
make --no-print-directory build

say "making the input"
mkdir "$tmp/week"
for day in monday tuesday wednesday thursday friday saturday sunday; do
	for _ in $(seq $copies); do cat data/zipcodes.csv; done >"$tmp/week/$day.csv"
done
bytes=$(cat "$tmp"/week/* | wc -c | tr -d ' ')
echo "7 files, $bytes bytes: data/zipcodes.csv (42,049 postal codes, GeoNames, CC BY 4.0),"
echo "the same file $((7 * copies)) times over, because a demo needs size more than news"

# The kernel's own account of the peak, beside weir's. VmHWM never falls, so the
# last sample is the peak of all but the last instants.
watch_peak() {
	local pid hwm=
	until pid=$(cat "$tmp/pid" 2>/dev/null) && [ -n "$pid" ]; do sleep 0.05; done
	while hwm=$(awk '/^VmHWM/ { print $2 }' "/proc/$pid/status" 2>/dev/null) && [ -n "$hwm" ]; do
		echo "$hwm" >"$tmp/hwm.new" && mv "$tmp/hwm.new" "$tmp/hwm"
		sleep 0.1
	done
}

say "weir cp week/ 'slow://?delay=100ms' --memory ${cap_mib}MiB"
echo "a sink that takes 100 ms for each write, as a busy database does"
if [ -r /proc/self/status ]; then
	watch_peak &
	sampler=$!
fi
code=0
sh -c 'echo $$ >"$0"; exec "$@"' "$tmp/pid" \
	bin/weir cp "$tmp/week" 'slow://?delay=100ms' --memory "${cap_mib}MiB" || code=$?
[ $code -eq 0 ] || { echo "demo: weir ended with exit code $code" >&2; exit "$code"; }
if [ -n "$sampler" ]; then
	wait "$sampler" || true
	sampler=
fi

flat=yes
if [ -s "$tmp/hwm" ]; then
	hwm=$(cat "$tmp/hwm")
	awk -v k="$hwm" -v cap=$cap_mib -v b="$bytes" 'BEGIN {
		printf "      the kernel says: VmHWM %.1f MiB of %d MiB, for %.0f MiB of data\n", k / 1024, cap, b / 1048576 }'
	[ "$hwm" -le $((cap_mib * 1024)) ] || flat=no
fi
echo "      (files are bytes to weir: they are counted in bytes and streams, not in records)"

say "weir cp week/ copy/ --memory ${cap_mib}MiB"
bin/weir cp "$tmp/week" "$tmp/copy/" --memory "${cap_mib}MiB"
sums "$tmp/week" >"$tmp/before"
sums "$tmp/copy" >"$tmp/after"
whole=yes
if cmp -s "$tmp/before" "$tmp/after"; then
	sed 's/^/      /' "$tmp/after"
	echo "      sha256 of all 7 copies is that of the originals: nothing lost, nothing changed"
else
	diff "$tmp/before" "$tmp/after" >&2 || true
	whole=no
fi

[ $flat = yes ] || { echo "demo: the memory went above its cap" >&2; exit 1; }
[ $whole = yes ] || { echo "demo: the copy differs from the original" >&2; exit 1; }
say "done"
