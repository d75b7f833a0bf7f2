# make help lists the targets, each with one line.
.DEFAULT_GOAL := help
SHELL := /bin/bash

GOBIN := $(shell go env GOPATH)/bin
FUZZTIME ?= 10s
IMAGE ?= channelsync:dev
# The directory for packages.
PACKAGES ?= bin/packages
# The version of packages: the last tag and the commits since, or 0.0.0 if there is no tag.
VERSION ?= $(shell git describe --tags --match 'v*' 2>/dev/null | sed 's/^v//; s/-/+/' || true)
VERSION := $(or $(VERSION),0.0.0)
# Further flags for go test, such as TESTFLAGS='-run TestX -v'.
TESTFLAGS ?=
# Further flags for the benchmarks: go run ./test/bench --help lists them.
BENCHFLAGS ?=
# The packages whose coverage is measured, whichever package's test reaches them.
PRODUCT := ./api/...,./cmd/...,./events/...,./handlers/...,./sync/...
# Packages tested without the race detector, which makes tests five to ten times slower: those without goroutines, and those
# that test the whole product from outside. The detector checks the product's goroutines in the tests of their own packages,
# and all of them together, with outages and restarts, in test/e2e, test/e2e/property and test/e2e/cluster.
PLAIN := $(addprefix channelsync/,$(addprefix test/,container browser e2e/lifecycle e2e/operate wine e2e/store e2e/edge rules \
  sim/oracle arch alerts) sync/condition sync/coverage sync/projection)
# Packages tested one after the other, beside all others: containers add and remove networks, and then a browser fails its requests.
IN_TURN := $(addprefix channelsync/test/,container browser)
# Packages that wait longest with the detector. They start first, so that the others run meanwhile.
FIRST := $(addprefix channelsync/,sync/reconcile test/e2e test/e2e/property test/e2e/cluster sync/control sync/watch)
# Tests with so much data that they take minutes under the detector. It finds nothing there that it does not find elsewhere.
VOLUME := ^(TestALargeTenant|TestAnOversizedRecord)|^Test(Record|Contact)ThatAutotaskDoesNotAnswer/too_much
# Packages that measure time, and so need the machine to themselves.
ALONE := channelsync/test/fault
# Tests of test/e2e/cluster that measure time. They run after ALONE, without the detector.
TAKEOVER := TestAKilledInstanceIsTakenOver|TestAnInstanceThatStopsHandsOver
# The number of packages tested at once with the detector. Two others are tested without it meanwhile. They mostly wait.
AT_ONCE ?= 3
# The duration of make stress.
STRESS ?= 30s
# How often make properties tries each property.
CHECKS ?= 1000

.PHONY: help build test stress properties race lint lint-all cover sandbox fuzz fuzz-short fault bench bench-short microbench container linux-packages linux-packages-test release release-twice chart image packages pictures shots wine

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-19s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build channelsync and the two simulators into bin/
	CGO_ENABLED=0 go build -trimpath -o bin/ ./cmd/channelsync ./test/sim/autotask ./test/sim/channelprogram

# -w leaves out debug information, which stack traces do not need. atexit_sleep_ms shortens the second that every process
# waits for the race detector at its end. Properties are tried 25 times with the race detector, and more often by make
# properties. Without the detector, tests are built with the program's flags, so that each package is compiled once for both
# and for every clone. GOGC=300 collects garbage less often, which saves a sixth of the processor time.
test stress: export GORACE ?= atexit_sleep_ms=50
test stress: export GOFLAGS ?= -trimpath
test stress: export GOGC ?= 300
test: export CGO_ENABLED := 0
test: export CHANNELSYNC_TEST_BINARY := $(CURDIR)/bin/channelsync
test: build ## run every test, with the race detector wherever our goroutines run concurrently
	@run() { go test -ldflags=-w -timeout 20m $(TESTFLAGS) "$$@"; }; status=0; \
	  run -p 1 $(IN_TURN) >bin/in-turn.txt 2>&1 & in_turn=$$!; \
	  (run -p 1 $(filter-out $(IN_TURN),$(PLAIN)) || status=1; run -p 1 -run '$(VOLUME)' ./sync/reconcile ./sync/watch || status=1; exit $$status) \
	    >bin/plain.txt 2>&1 & plain=$$!; \
	  export RAPID_CHECKS=$${RAPID_CHECKS:-25}; \
	  CGO_ENABLED=1 run -race -p $(AT_ONCE) -skip '$(VOLUME)|$(TAKEOVER)' $(FIRST) $$(go list ./... | grep -vxF $(PLAIN:%=-e %) $(ALONE:%=-e %)) || status=1; \
	  wait $$in_turn || status=1; wait $$plain || status=1; cat bin/in-turn.txt bin/plain.txt; \
	  run -p 1 $(ALONE) || status=1; run -run '$(TAKEOVER)' ./test/e2e/cluster || status=1; exit $$status

stress: ## run the concurrency tests, all at once, for STRESS (30s) with the race detector
	@CGO_ENABLED=1 CHANNELSYNC_STRESS=$(STRESS) go test -race -ldflags=-w -p 8 -run 'UnderStress$$' $(TESTFLAGS) \
	  $$(git grep -l 'stress\.Run(' -- '*_test.go' | xargs -n1 dirname | sort -u | sed 's|^|./|')

properties: ## try every property CHECKS (1000) times, and test/e2e/property for a few minutes
	RAPID_CHECKS=$(CHECKS) go test -timeout 60m $(TESTFLAGS) $$(git grep -l 'rapid\.Check(' -- '*_test.go' | xargs -n1 dirname | grep -v test/e2e | sort -u | sed 's|^|./|')
	go test -timeout 60m ./test/e2e/property -rapid.checks=25

race: ## run the tests ten times with the race detector, in shuffled order
	go test -race -count=10 -shuffle=on $(TESTFLAGS) ./...

lint: ## run gofumpt, go vet and staticcheck, as CI does
	@unformatted="$$($(GOBIN)/gofumpt -l $$(git ls-files --cached --others --exclude-standard '*.go'))"; \
	  if [ -n "$$unformatted" ]; then echo "run gofumpt -w on:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	$(GOBIN)/staticcheck ./...

lint-all: ## run golangci-lint with .golangci.yml, if you have it
	golangci-lint run ./...

cover: ## run the tests one package at a time, and show the coverage of each line in a browser
	go test -p 1 -timeout 20m -coverpkg=$(PRODUCT) -coverprofile=coverage.out $(TESTFLAGS) ./...
	go tool cover -html=coverage.out

sandbox: ## run the whole product with simulated vendors in one process
	go run ./cmd/sandbox

fuzz: ## fuzz every parser for FUZZTIME (10s), and continue after a failure
	@status=0; for file in $$(git ls-files --cached --others --exclude-standard '*_test.go' | xargs grep -l '^func Fuzz'); do \
	  for name in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' "$$file"); do \
	    echo "$$name in $$(dirname "$$file")"; \
	    go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) $(TESTFLAGS) "./$$(dirname "$$file")" || status=1; \
	  done; done; exit $$status

fuzz-short: fuzz

fault: ## run the fault suite in full (mounting disks needs root), and trace the system calls of a callback
	CHANNELSYNC_FAULT=full CI=true go test -count=1 -timeout 60m -v -run '^TestFaults$$' $(TESTFLAGS) ./test/fault
	test/fault/fsync-before-answer.sh

bench: ## measure the built program from the outside, in under ten minutes; BENCHFLAGS='--only callbacks --json'
	go run ./test/bench $(BENCHFLAGS)

bench-short: ## run each benchmark once, in under a minute: shows that all of them run, but is too short to compare
	go run ./test/bench --short $(BENCHFLAGS)

microbench: ## run the benchmarks of single functions five times each; benchstat compares two runs
	go test -run '^$$' -bench . -benchmem -count=5 ./...

container: ## test NATS and whole clusters in containers; CHANNELSYNC_CLUSTER_LONG=1 makes every fault last a minute; needs a Docker engine
	CI=true go test -race -count=1 -timeout 60m -v ./test/container/...

wine: ## test the Windows program, its service and its packages under Wine; needs wine64 and gcc-mingw-w64-x86-64
	CI=true go test -count=1 -timeout 20m -v ./test/wine

packages: ## write docs/packages.md, the graph of imports between packages
	go run ./test/deps

pictures: ## take the pictures in docs/images; needs Chromium
	go run ./test/browser/shots -docs docs/images

shots: ## take pictures of every page of the console into bin/shots; needs Chromium
	go run ./test/browser/shots -out bin/shots

linux-packages: ## build .deb and .rpm for amd64 and arm64 in PACKAGES (bin/packages); needs nfpm: go install github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.0
	@mkdir -p $(PACKAGES)
	@rm -rf $(PACKAGES)/man1 && go run ./cmd/channelsync man $(PACKAGES)/man1
	@go run ./cmd/channelsync completion bash > $(PACKAGES)/completion
	@chmod -R u=rwX,go=rX $(PACKAGES)/man1 $(PACKAGES)/completion
	@for arch in amd64 arm64; do \
	  CGO_ENABLED=0 GOOS=linux GOARCH=$$arch go build -trimpath -ldflags "-s -w -buildid=" -o $(PACKAGES)/$$arch/ ./cmd/channelsync || exit 1; \
	  for format in deb rpm; do \
	    PAGES=$(PACKAGES) PROGRAM=$(PACKAGES)/$$arch/channelsync ARCH=$$arch VERSION=$(VERSION) $(GOBIN)/nfpm package --config deploy/packages/nfpm.yaml --packager $$format --target $(PACKAGES)/ || exit 1; \
	  done; done

linux-packages-test: ## test the .deb under systemd in a container, from installation to removal; needs root, a Docker engine, debootstrap and nfpm
	test/packages/run

release: ## build programs, packages, SBOMs and checksums of the last commit in dist; docs/releasing.md says what it needs
	deploy/release/build dist

release-twice: ## build the linux/amd64 release in two directories, to show that it is reproducible
	deploy/release/twice linux/amd64

chart: ## lint, render and check the Helm chart, and write the manifests that test/container runs
	cd test/chart && GOFLAGS= go test -count=1 . -update

image: ## build the container image
	docker build --tag $(IMAGE) .
