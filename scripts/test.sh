#!/usr/bin/env bash
# Runs every check and every test of this repository and ends with a line
# "N passed, N failed". All of them run, also after one has failed.
#
#   scripts/test.sh          everything
#   scripts/test.sh check    what needs no tests to run, and tidy_test.go
#   scripts/test.sh fuzz     the fuzz targets, each for $FUZZTIME
#
# It needs Go, a C compiler (the race detector does) and PostgreSQL's programs, which
# it installs where it may (Debian, as root): the tests start servers of their own, in
# private directories, and stop them. The linter is built from tools/go.mod, which takes about two minutes the
# first time.
set -uo pipefail
cd "$(dirname "$0")/.."

GO=${GO:-go}
FUZZTIME=${FUZZTIME:-10000x} # inputs, or a time such as 60s
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
passed=0
failed=0

# step NAME COMMAND...: runs one check; its output is shown when it fails.
step() {
	local name=$1 began=$SECONDS
	shift
	if "$@" >"$tmp/step" 2>&1; then
		passed=$((passed + 1))
		printf 'ok    %-34s %3d s\n' "$name" $((SECONDS - began))
		return
	fi
	failed=$((failed + 1))
	cat "$tmp/step"
	printf 'FAIL  %-34s %3d s\n' "$name" $((SECONDS - began))
}

formatted() {
	local files
	files=$(gofmt -l .) || return 1
	[ -z "$files" ] || { echo "not formatted: $files"; return 1; }
}

tidied() { "$GO" mod tidy -diff && "$GO" -C tools mod tidy -diff && "$GO" -C bench mod tidy -diff; }

lint() { "$GO" tool -modfile=tools/go.mod golangci-lint run --timeout 10m; }

# bench is a module of its own.
lintbench() (cd bench && "$GO" tool -modfile=../tools/go.mod golangci-lint run --timeout 10m)

crossvet() { GOOS=darwin GOARCH=arm64 "$GO" vet ./...; }

check() {
	step "gofmt" formatted
	step "go vet" "$GO" vet ./...
	step "go vet for darwin" crossvet
	step "go vet, bench" "$GO" -C bench vet ./...
	step "go mod tidy" tidied
	step "golangci-lint" lint
	step "golangci-lint, bench" lintbench
}

fuzz() {
	local pkg target
	for pkg in $("$GO" list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}' ./...); do
		for target in $("$GO" test -list '^Fuzz' "$pkg" 2>/dev/null | grep '^Fuzz'); do
			step "${pkg#github.com/weirflow/weir/} $target" \
				"$GO" test -run '^$' -fuzz "^$target\$" -fuzztime "$FUZZTIME" "$pkg"
		done
	done
}

# packages installs what the tests need beside Go, if it is not there.
packages() {
	local missing=()
	command -v "${CC:-gcc}" >/dev/null || missing+=(gcc libc6-dev)
	[ -n "$(ls /usr/lib/postgresql/*/bin/initdb 2>/dev/null)" ] || command -v initdb >/dev/null || missing+=(postgresql)
	[ ${#missing[@]} -gt 0 ] || return 0
	if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
		echo "missing: ${missing[*]}; install them (apt-get install ${missing[*]}); no server needs to run"
		return 1
	fi
	# A database that starts by itself is not wanted.
	mkdir -p /etc/postgresql-common && echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
}

# tests runs the tests proper and counts each of them.
tests() {
	local code=0 p f s
	"$GO" test -count=1 -timeout 6m -v ./... >"$tmp/tests" 2>&1 || code=1
	"$GO" -C bench test -count=1 -timeout 4m -v ./... >>"$tmp/tests" 2>&1 || code=1
	p=$(grep -ac '^ *--- PASS: ' "$tmp/tests")
	f=$(grep -ac '^ *--- FAIL: ' "$tmp/tests")
	s=$(grep -ac '^ *--- SKIP: ' "$tmp/tests")
	if [ $code -ne 0 ]; then
		grep -aEv '^(=== |PASS$| *--- PASS: )' "$tmp/tests"
		[ "$f" -gt 0 ] || f=1 # it did not compile, or ended by itself
	else
		grep -aE '^(ok|\?) ' "$tmp/tests" | grep -v 'no test files'
		grep -aA1 '^ *--- SKIP: ' "$tmp/tests" | grep -v '^--$'
	fi
	passed=$((passed + p))
	failed=$((failed + f))
	[ "$s" -eq 0 ] || echo "$s skipped"
}

case ${1:-all} in
check)
	check
	step "tidy_test" "$GO" test -count=1 -run '^TestTidy' .
	;;
fuzz) fuzz ;;
all)
	check
	step "packages" packages
	fuzz
	step "go test -race" "$GO" test -race -count=1 -timeout 8m ./...
	tests
	;;
*)
	echo "usage: scripts/test.sh [check | fuzz]" >&2
	exit 2
	;;
esac
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
