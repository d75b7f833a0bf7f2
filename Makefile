# Every target says in one line what it is for: make help
.DEFAULT_GOAL := help
SHELL := /bin/bash

GOBIN := $(shell go env GOPATH)/bin
FUZZTIME ?= 10s
IMAGE ?= channelsync:dev
# More flags for go test, such as TESTFLAGS='-run TestX -v'.
TESTFLAGS ?=
# More flags for the benchmarks: go run ./test/bench --help lists them.
BENCHFLAGS ?=
# What coverage is measured of: the product, wherever a test reaches it from.
PRODUCT := ./api/...,./cmd/...,./events/...,./handlers/...,./sync/...
# What measures how soon something arrives, or is to be seen, and needs the machine to itself.
ALONE := $(addprefix channelsync/test/,browser container e2e e2e/operate fault)

.PHONY: help build test race lint lint-all cover sandbox fuzz fuzz-short fault bench bench-short microbench container image shots

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build channelsync and the two simulators into bin/
	CGO_ENABLED=0 go build -trimpath -o bin/ ./cmd/channelsync ./test/sim/autotask ./test/sim/channelprogram

# Two packages at a time, since most of what they do is waiting; then one at a time what must be alone. Debug
# information is left out (-w: a stack has its names and lines without it), and so is the second that a race
# detector's report is waited for at the end of every process.
test: export GORACE ?= atexit_sleep_ms=50
test: ## run every test with the race detector and measure coverage, as CI does
	@run() { go test -race -ldflags=-w -timeout 20m -covermode=atomic -coverpkg=$(PRODUCT) $(TESTFLAGS) "$$@"; }; status=0; \
	  run -p 2 -coverprofile=coverage.out $$(go list ./... | grep -vxF $(ALONE:%=-e %)) || status=1; \
	  run -p 1 -coverprofile=coverage-alone.out $(ALONE) || status=1; \
	  sed 1d coverage-alone.out >>coverage.out && rm coverage-alone.out && exit $$status

race: ## run the tests ten times over with the race detector, in shuffled order
	go test -race -count=10 -shuffle=on $(TESTFLAGS) ./...

lint: ## gofumpt, go vet and staticcheck, as CI does
	@unformatted="$$($(GOBIN)/gofumpt -l $$(git ls-files --cached --others --exclude-standard '*.go'))"; \
	  if [ -n "$$unformatted" ]; then echo "run gofumpt -w on:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	$(GOBIN)/staticcheck ./...

lint-all: ## golangci-lint with .golangci.yml, for whoever has it
	golangci-lint run ./...

cover: test ## run the tests and open the coverage by line in a browser
	go tool cover -html=coverage.out

sandbox: ## the whole product with simulated vendors in one process
	go run ./cmd/sandbox

fuzz: ## fuzz every parser for FUZZTIME each (10s), the next one whatever became of the last
	@status=0; for file in $$(git ls-files --cached --others --exclude-standard '*_test.go' | xargs grep -l '^func Fuzz'); do \
	  for name in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' "$$file"); do \
	    echo "$$name in $$(dirname "$$file")"; \
	    go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) $(TESTFLAGS) "./$$(dirname "$$file")" || status=1; \
	  done; done; exit $$status

fuzz-short: fuzz

fault: ## the fault suite's long form (root mounts its disks), and a system-call trace of a callback
	CHANNELSYNC_FAULT=full CI=true go test -count=1 -timeout 60m -v -run '^TestFaults$$' $(TESTFLAGS) ./test/fault
	test/fault/fsync-before-answer.sh

bench: ## measure the built program from the outside, in under ten minutes; BENCHFLAGS='--only callbacks --json'
	go run ./test/bench $(BENCHFLAGS)

bench-short: ## each part once, in under a minute, with numbers too small to compare
	go run ./test/bench --short $(BENCHFLAGS)

microbench: ## run the benchmarks of single functions five times each; compare two runs with benchstat
	go test -run '^$$' -bench . -benchmem -count=5 ./...

container: ## NATS and whole clusters in containers; CHANNELSYNC_CLUSTER_LONG=1 lets every fault last a minute; needs a Docker engine
	CI=true go test -race -count=1 -timeout 60m -v ./test/container/...

shots: ## pictures of every page of the console into bin/shots; needs Chromium
	go run ./test/browser/shots -out bin/shots

image: ## build the container image
	docker build --tag $(IMAGE) .
