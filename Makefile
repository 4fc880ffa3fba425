# weir: everything a newcomer needs. `make` alone prints this list.

SHELL := /bin/bash
GO    ?= go
LINT  := $(GO) tool -modfile=tools/go.mod golangci-lint

.DEFAULT_GOAL := help
.PHONY: help build test check lint format demo picture bench chaos man fuzz clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## the static binary, at bin/weir
	CGO_ENABLED=0 $(GO) build -buildvcs=auto -trimpath -ldflags "-s -w" -o bin/weir ./cmd/weir

test: ## everything: check, tests, race detector, a short run of each fuzz target
	@GO="$(GO)" scripts/test.sh

check: ## what needs no tests to run: gofmt, go vet here and for macOS, go mod tidy, lint, tidy_test
	@GO="$(GO)" scripts/test.sh check

lint: ## golangci-lint alone
	$(LINT) run

format: ## rewrite the files as gofumpt wants them
	$(LINT) fmt

demo: ## a real data set into a slow sink in 32 MiB, then a copy with its checksums compared
	@scripts/demo.sh

picture: build ## measure again and draw docs/memory.svg (Linux, about a minute)
	scripts/picture.sh

bench: build ## beside the limits of this machine, twenty minutes (BENCHFLAGS=--quick: some minutes); into bench/results
	$(GO) -C bench build -o ../bin/weir-bench .
	bin/weir-bench --weir bin/weir $(BENCHFLAGS)

chaos: ## kill transfers 1,000 times and break what they need; count what is lost or doubled (KILLS=100: fewer)
	WEIR_CHAOS=$${KILLS:-1000} $(GO) test ./cmd/weir -run TestKilledAgain -v -count=1 -parallel 10 -timeout 90m

man: build ## the manual page, man/weir.1
	mkdir -p man
	bin/weir man > man/weir.1

fuzz: ## each fuzz target for a minute (FUZZTIME=10m for longer)
	@GO="$(GO)" FUZZTIME="$${FUZZTIME:-60s}" scripts/test.sh fuzz

clean: ## remove what was built
	rm -rf bin out man
