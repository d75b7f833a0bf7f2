# Every target says in one line what it is for: make help
.DEFAULT_GOAL := help
SHELL := /bin/bash

GOBIN := $(shell go env GOPATH)/bin
FUZZTIME ?= 10s
IMAGE ?= channelsync:dev
# Where packages go.
PACKAGES ?= bin/packages
# The version of packages: the last tag and what came since, or 0.0.0 before the first.
VERSION ?= $(shell git describe --tags --match 'v*' 2>/dev/null | sed 's/^v//; s/-/+/' || true)
VERSION := $(or $(VERSION),0.0.0)
# More flags for go test, such as TESTFLAGS='-run TestX -v'.
TESTFLAGS ?=
# More flags for the benchmarks: go run ./test/bench --help lists them.
BENCHFLAGS ?=
# What coverage is measured of: the product, wherever a test reaches it from.
PRODUCT := ./api/...,./cmd/...,./events/...,./handlers/...,./sync/...
# Tested without the race detector, which makes a test five to ten times slower: what has no goroutines, and what holds the
# whole product to what it does from outside. The product's own goroutines run under the detector in their packages' tests,
# and all of them together, outages and restarts among it, in test/e2e, test/e2e/property and test/e2e/cluster.
PLAIN := $(addprefix channelsync/,sync/condition sync/coverage sync/projection $(addprefix test/,alerts arch browser container wine \
  e2e/edge e2e/lifecycle e2e/operate e2e/store rules sim/oracle))
# What waits longest begins first, so that the rest is done meanwhile: these without the detector, and those with it.
LONGEST := $(addprefix channelsync/test/,container browser e2e/lifecycle e2e/operate wine)
FIRST := $(addprefix channelsync/,sync/reconcile test/e2e test/e2e/property test/e2e/cluster sync/control sync/watch)
# Tests of so much data that the detector takes minutes for them, and finds nothing that others do not.
VOLUME := ^(TestALargeTenant|TestAnOversizedRecord)|^Test(Record|Contact)ThatAutotaskDoesNotAnswer/too_much
# What measures how soon something arrives, and needs the machine to itself.
ALONE := channelsync/test/fault
# How many packages are tested at once without the detector, and as many with it. Most of what they do is waiting.
AT_ONCE ?= 2
# How long what runs side by side is put under stress.
STRESS ?= 30s
# How often make properties tries each.
CHECKS ?= 1000

.PHONY: help build test stress properties race lint lint-all cover sandbox fuzz fuzz-short fault bench bench-short microbench container linux-packages linux-packages-test release release-twice chart image packages pictures shots wine

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-19s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build channelsync and the two simulators into bin/
	CGO_ENABLED=0 go build -trimpath -o bin/ ./cmd/channelsync ./test/sim/autotask ./test/sim/channelprogram

# Debug information is left out (-w: a stack has its names and lines without it), and so is the second that a race
# detector's report is waited for at the end of every process. A property is tried 25 times with the race detector, 100
# times by itself: make properties. Without the detector tests are built as the program is, so that each package is compiled
# once for both, and for every clone. Garbage is collected less often, which spares a sixth of the processor's time.
test stress: export GORACE ?= atexit_sleep_ms=50
test stress: export GOFLAGS ?= -trimpath
test stress: export GOGC ?= 300
test: export CGO_ENABLED := 0
test: export CHANNELSYNC_TEST_BINARY := $(CURDIR)/bin/channelsync
test: build ## run every test, with the race detector wherever goroutines of ours run side by side
	@run() { go test -ldflags=-w -timeout 20m $(TESTFLAGS) "$$@"; }; status=0; \
	  run -p $(AT_ONCE) $(LONGEST) $(filter-out $(LONGEST),$(PLAIN)) >bin/plain.txt 2>&1 & plain=$$!; \
	  run -p $(AT_ONCE) -run '$(VOLUME)' ./sync/reconcile ./sync/watch || status=1; export RAPID_CHECKS=$${RAPID_CHECKS:-25}; \
	  CGO_ENABLED=1 run -race -p $(AT_ONCE) -skip '$(VOLUME)' $(FIRST) $$(go list ./... | grep -vxF $(PLAIN:%=-e %) $(ALONE:%=-e %)) || status=1; \
	  wait $$plain || status=1; cat bin/plain.txt; \
	  run -p 1 $(ALONE) || status=1; exit $$status

stress: ## run what runs side by side for STRESS (30s), all of it at once, with the race detector
	@CGO_ENABLED=1 CHANNELSYNC_STRESS=$(STRESS) go test -race -ldflags=-w -p 8 -run 'UnderStress$$' $(TESTFLAGS) \
	  $$(git grep -l 'stress\.Run(' -- '*_test.go' | xargs -n1 dirname | sort -u | sed 's|^|./|')

properties: ## try every property CHECKS (1000) times, and whole histories for a few minutes
	RAPID_CHECKS=$(CHECKS) go test -timeout 60m $(TESTFLAGS) $$(git grep -l 'rapid\.Check(' -- '*_test.go' | xargs -n1 dirname | grep -v test/e2e | sort -u | sed 's|^|./|')
	go test -timeout 60m ./test/e2e/property -rapid.checks=25

race: ## run the tests ten times over with the race detector, in shuffled order
	go test -race -count=10 -shuffle=on $(TESTFLAGS) ./...

lint: ## gofumpt, go vet and staticcheck, as CI does
	@unformatted="$$($(GOBIN)/gofumpt -l $$(git ls-files --cached --others --exclude-standard '*.go'))"; \
	  if [ -n "$$unformatted" ]; then echo "run gofumpt -w on:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	$(GOBIN)/staticcheck ./...

lint-all: ## golangci-lint with .golangci.yml, for whoever has it
	golangci-lint run ./...

cover: ## run the tests one package at a time and open the coverage by line in a browser
	go test -p 1 -timeout 20m -coverpkg=$(PRODUCT) -coverprofile=coverage.out $(TESTFLAGS) ./...
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

bench-short: ## each part once, in under a minute: checks that everything runs; too short to compare
	go run ./test/bench --short $(BENCHFLAGS)

microbench: ## run the benchmarks of single functions five times each; compare two runs with benchstat
	go test -run '^$$' -bench . -benchmem -count=5 ./...

container: ## NATS and whole clusters in containers; CHANNELSYNC_CLUSTER_LONG=1 lets every fault last a minute; needs a Docker engine
	CI=true go test -race -count=1 -timeout 60m -v ./test/container/...

wine: ## the program for Windows under Wine, with its service and tests of its packages; needs wine64 and gcc-mingw-w64-x86-64
	CI=true go test -count=1 -timeout 20m -v ./test/wine

packages: ## write docs/packages.md, the graph of which package imports which
	go run ./test/deps

pictures: ## write the pictures of the documentation, docs/images; needs Chromium
	go run ./test/browser/shots -docs docs/images

shots: ## pictures of every page of the console into bin/shots; needs Chromium
	go run ./test/browser/shots -out bin/shots

linux-packages: ## .deb and .rpm for amd64 and arm64 into PACKAGES (bin/packages); needs nfpm: go install github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.0
	@mkdir -p $(PACKAGES)
	@rm -rf $(PACKAGES)/man1 && go run ./cmd/channelsync man $(PACKAGES)/man1
	@go run ./cmd/channelsync completion bash > $(PACKAGES)/completion
	@chmod -R u=rwX,go=rX $(PACKAGES)/man1 $(PACKAGES)/completion
	@for arch in amd64 arm64; do \
	  CGO_ENABLED=0 GOOS=linux GOARCH=$$arch go build -trimpath -ldflags "-s -w -buildid=" -o $(PACKAGES)/$$arch/ ./cmd/channelsync || exit 1; \
	  for format in deb rpm; do \
	    PAGES=$(PACKAGES) PROGRAM=$(PACKAGES)/$$arch/channelsync ARCH=$$arch VERSION=$(VERSION) $(GOBIN)/nfpm package --config deploy/packages/nfpm.yaml --packager $$format --target $(PACKAGES)/ || exit 1; \
	  done; done

linux-packages-test: ## the life of the .deb under systemd, in a container; needs root, a Docker engine, debootstrap and nfpm
	test/packages/run

release: ## programs, packages, SBOMs and checksums of the last commit into dist; docs/releasing.md says what it needs
	deploy/release/build dist

release-twice: ## show that a release of linux/amd64 is reproducible, by two of them in different directories
	deploy/release/twice linux/amd64

chart: ## lint, render and check the Helm chart, and write what test/container runs of it
	cd test/chart && GOFLAGS= go test -count=1 . -update

image: ## build the container image
	docker build --tag $(IMAGE) .
