# Everything a developer or CI runs. `make help` explains the targets; the text
# after ## in this file is what it prints.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
IMAGE   ?= remux-retrier

# The race detector needs cgo, and cgo a C compiler.
CC_FOUND := $(shell command -v "$$(go env CC | cut -d' ' -f1)")
RACE     := $(if $(CC_FOUND),-race)

# Packages with tests that need a real Kafka: a test file of theirs has the build tag kafka.
KAFKA_PACKAGES = $(shell grep -rlE --include='*_test.go' '^//go:build .*\bkafka\b' . | xargs -r -n1 dirname | sort -u)

SANDBOX_FLAGS ?=
BENCH_FLAGS   ?=
FUZZTIME      ?= 300000x
SEEDS         ?= 2000
# Scenarios that take minutes, or measure times; only make soak runs them.
SOAK          := KillsAtMany|KilledInstance|TakeOver|SameNameMember|RollingRestarts
# The oldest Kafka that DMS offers, and the main scenarios on it.
OLD_KAFKA     := 2.7.2
ON_OLD_KAFKA  := TestKafka(ALogIn|AsTheFast|Codecs|MissingRights|ReadCommitted|Restart|Security|Throttling)|TestInvariant(1NoEventIsLost|2AnOutage|3Stopping|5AStormAboutATaskCosts|6|7CallingStops)|TestTheQuotaIsTheGroups|TestBrokersThatGoAway|TestMissingTopics|TestATopicThatIsRecreated|TestCommand(CheckFindsNothing|RedriveBeside)
# How long make soak injects random faults. The environment's SOAK_SEED chooses them.
SOAK_TIME     ?= 10m

PICTURES_AFTER ?= 15m

GOVULNCHECK ?= v1.9.0

# Where the repository is read, with a slash at the end: it goes before the path in
# each alert's runbook_url.
RUNBOOK_BASE ?= file://$(CURDIR)/
ALERTS_DIR   ?= bin

.PHONY: help
help: ## Print this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-14s %s\n", $$1, $$2 }'

.PHONY: build
build: ## Build the service, bin/remux-retrier, version stamped in
	CGO_ENABLED=0 go build -trimpath -ldflags '-X main.version=$(VERSION)' -o bin/remux-retrier .

.PHONY: sandbox
sandbox: ## Run the demo on an embedded broker and the MPC simulator (SANDBOX_FLAGS=--once ends by itself)
	go run ./cmd/sandbox $(SANDBOX_FLAGS)

# -p 4: most tests wait for something, so more packages run at once than there are cores.
# The package that waits longest begins first.
.PHONY: test
test: ## Run the tests that need nothing but Go; with the race detector where there is a C compiler
	@$(if $(RACE),:,echo 'no C compiler: testing WITHOUT the race detector')
	go test $(RACE) -p 4 remux-retrier/test/app work

.PHONY: test-kafka
test-kafka: ## Run the end-to-end tests on a real Apache Kafka (kcat, Java 17 and Maven, or KAFKA_BROKERS=host:port)
	@$(if $(strip $(KAFKA_PACKAGES)),:,echo 'no test file carries the build tag kafka' >&2; exit 1)
	@$(if $(RACE),:,echo 'no C compiler: testing WITHOUT the race detector')
	go test $(RACE) -tags kafka -count=1 -p 2 -timeout 20m -v -skip '$(SOAK)|UnderRandomFaults' $(KAFKA_PACKAGES)

.PHONY: test-kafka-old
test-kafka-old: ## Run the main scenarios on the oldest Kafka that DMS for Kafka offers (OLD_KAFKA), with ZooKeeper
	TESTKAFKA_VERSION=$(OLD_KAFKA) go test -tags kafka -count=1 -p 2 -timeout 10m -v -run '$(ON_OLD_KAFKA)' -skip 'AnOutageDecidesNothing/[^5]' ./test/kafkalog ./test/e2e

.PHONY: soak
soak: ## Run the scenarios on a real Kafka that want a quiet machine: kill -9, take-over, rolling restarts, and SOAK_TIME (10m) of random faults
	go test -tags kafka -count=1 -timeout 20m -v -run '$(SOAK)' ./test/e2e
	SOAK_TIME=$(SOAK_TIME) go test -tags kafka -count=1 -timeout 2h -v -run UnderRandomFaults ./test/e2e

.PHONY: test-browser
test-browser: ## Look at the operator's page in a real Chromium (Debian's chromium and bsdutils), also in the sandbox
	go test -tags browser -count=1 -parallel 4 -timeout 10m ./test/browser

.PHONY: axe
axe: ## Fetch axe-core (npm), by which make test-browser looks for what keeps people from using the page
	cd test/browser && timeout 300 npm ci --ignore-scripts --no-audit --no-fund --fetch-retries=2 --fetch-timeout=60000

.PHONY: pictures
pictures: ## Take the pictures in docs/pictures anew, of the sandbox as it is after PICTURES_AFTER (15m)
	PICTURES=$(CURDIR)/docs/pictures PICTURES_AFTER=$(PICTURES_AFTER) go test -tags browser -count=1 -timeout 60m -run RealThing ./test/browser

.PHONY: simulate
simulate: ## Run the simulation of the whole service under faults for SEEDS (2000) seeds
	go run ./cmd/simulate -seeds $(SEEDS)

.PHONY: breaks
breaks: ## Make well-known mistakes in a copy of the code, and see the simulation find each
	go run ./internal/simulation/breaks

.PHONY: kafka
kafka: ## Run an Apache Kafka on 127.0.0.1:9092 until Ctrl-C (Java 17 and Maven)
	go run ./internal/testkafka/cmd/kafka

.PHONY: bench
bench: ## Compare the service with two bare loops on a real Kafka, in about 20 minutes (BENCH_FLAGS=-h for the options)
	go run ./test/bench $(BENCH_FLAGS)

.PHONY: bench-short
bench-short: ## The same in about four minutes, as CI does it: fails where the service became slower or larger
	go run ./test/bench -short $(BENCH_FLAGS)

.PHONY: fuzz
fuzz: ## Fuzz each target FUZZTIME (300000x: that many inputs)
	@grep -rHoE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]+' . | sort | while IFS=: read -r file target; do \
		echo "fuzz $${target#func } in $$(dirname "$$file")"; \
		go test -run '^$$' -fuzz "^$${target#func }\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x "$$(dirname "$$file")"; \
	done

# tools/ is no part of the workspace (go.work), so that the linters' dependencies do not
# change the service's. Its tests run with -count=1, because they read files outside its
# module: a change there does not invalidate a cached result.
.PHONY: lint
lint: ## Run go vet and the pinned golangci-lint, and check docker-compose.yml
	go vet -tags kafka,browser,schemas work
	$$(GOWORK=off go tool -n -modfile=tools/go.mod golangci-lint) run ./... ./cmd/sandbox/... ./test/...
	cd tools && GOWORK=off go test -count=1 ./...

.PHONY: alerts
alerts: ## Write the alerts to bin/rules.yaml and, for the Prometheus operator, to bin/prometheusrule.yaml (RUNBOOK_BASE=https://…/)
	@mkdir -p $(ALERTS_DIR)
	sed 's|^\( *runbook_url: \)|\1$(RUNBOOK_BASE)|' deploy/prometheus/rules.yaml > $(ALERTS_DIR)/rules.yaml
	{ printf 'apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: {name: remux-retrier}\nspec:\n'; sed 's/^/  /' $(ALERTS_DIR)/rules.yaml; } > $(ALERTS_DIR)/prometheusrule.yaml

.PHONY: check-deploy
check-deploy: alerts ## Check deploy/: alerts and their unit tests (promtool), dashboard, Kubernetes manifests (Python's pip)
	promtool check rules bin/rules.yaml
	promtool test rules deploy/prometheus/*_test.yaml
	cd tools/deploy && GOWORK=off go test -count=1 ./...
	python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --upgrade --target bin/python -r tools/deploy/requirements.txt
	cd tools/deploy && GOWORK=off go run ./render ../../deploy/kubernetes/base ../../deploy/kubernetes/example ../../deploy/kubernetes/receive-example > ../../bin/manifests.yaml
	PYTHONPATH=bin/python python3 -m kubernetes_validate --strict bin/manifests.yaml
	go test ./deploy

# All of it happens in bin/schemas, to which tools/schemas is copied, so that nothing is
# installed or generated among the sources.
SCHEMAS := events/schema
PYTHON_TYPES = PYTHONPATH=packages python3 -W ignore -m datamodel_code_generator --input-file-type jsonschema \
	--output-model-type pydantic_v2.BaseModel --target-python-version 3.11 --use-title-as-name --disable-timestamp

.PHONY: test-schemas
test-schemas: ## Generate TypeScript, Java and Python types from events/schema, and use them (npm, JDK 17, Maven, Python's pip)
	mkdir -p bin/schemas && cp tools/schemas/* bin/schemas/
	rm -rf bin/schemas/{typescript,java,classes,python}
	cd bin/schemas && { cmp -s package-lock.json installed || npm ci --prefer-offline --no-audit --no-fund --ignore-scripts --loglevel=error; } && cp package-lock.json installed
	cd bin/schemas && mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib
	python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --upgrade --target bin/schemas/packages -r tools/schemas/requirements.txt
	cd bin/schemas && node check.mjs ../../$(SCHEMAS)
	cd bin/schemas && node generate.mjs ../../$(SCHEMAS)/asyncapi.json typescript java
	cd bin/schemas && npx tsc --strict --target es2022 --module es2022 --moduleResolution bundler --types node use.ts
	cd bin/schemas && javac -cp 'lib/*' -d classes java/*.java Use.java
	cd bin/schemas && mkdir -p python && for name in outcome failure recovered; do $(PYTHON_TYPES) --input ../../$(SCHEMAS)/$$name.schema.json --output python/$$name.py; done
	go test -tags schemas -count=1 -v -run GeneratedTypes ./test/events

.PHONY: vulncheck
vulncheck: build ## Ask Go's vulnerability database (vuln.go.dev) about what the binary links
	go run golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK) -mode=binary bin/remux-retrier

.PHONY: sbom
sbom: build ## Write a bill of materials of the binary, bin/sbom.cdx.json (CycloneDX)
	cd tools && GOWORK=off go run ./supply sbom ../bin/remux-retrier > ../bin/sbom.cdx.json

.PHONY: licenses
licenses: build ## List the licence of each module in the binary
	@cd tools && GOWORK=off go run ./supply licenses ../bin/remux-retrier

.PHONY: cover
cover: ## Print the coverage of each package; coverage.out is for go tool cover -html
	go test -coverpkg=./... -coverprofile=coverage.out work
	@go tool cover -func=coverage.out | tail -n 1

.PHONY: docker
docker: ## Build the service's container image
	docker build --build-arg VERSION=$(VERSION) --tag $(IMAGE):$(VERSION) .

.PHONY: clean
clean: ## Remove what the other targets have built here
	rm -rf bin coverage.out
