SHELL := /bin/bash
GO ?= go
BIN := bin/ripen
TOOLS := $(CURDIR)/.tools/bin
DEMO ?= demo
export GOFLAGS ?=

.PHONY: help run build test peers browser vet bench tools clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: build ## build, then run the main job on a simulated company in ./demo
	@$(BIN) init $(DEMO) --if-missing
	@$(BIN) run -C $(DEMO) || [ $$? -eq 4 ] # 4: done, with dead letters, which the simulated company has on purpose

build: ## build bin/ripen
	@if [ -z "$$($(GO) list -f '{{if not .Stale}}built{{end}}' github.com/goccy/go-googlesql 2>/dev/null)" ]; then \
		echo "building ripen: the first build compiles Google's SQL analyzer, about 5 minutes and 6 GB of memory; later builds take seconds"; \
	else echo "building ripen"; fi
	@$(GO) build -ldflags="-s -w" -o $(BIN) ./cmd/ripen

tools: $(TOOLS)/stripe-mock ## install what the tests need beside Go

$(TOOLS)/stripe-mock:
	@echo "building stripe-mock, Stripe's official test server"
	@GOBIN=$(TOOLS) $(GO) install github.com/stripe/stripe-mock@v0.203.0

test: vet tools ## run all tests
	RIPEN_TOOLS=$(TOOLS) $(GO) test ./...

peers: build ## let HubSpot's own client (npm) judge the simulated CRM
	./sandbox/peers/run

browser: ## run the page of `ripen docs` in Chromium (Debian: it is installed if root runs this)
	@command -v $${RIPEN_CHROMIUM:-chromium} >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; } || \
		{ echo "make browser: install chromium, or name another with RIPEN_CHROMIUM" >&2; exit 1; }
	$(GO) test -tags browser ./transforms/docs

vet:
	@$(GO) vet ./...

bench: ## repeat the figures of docs/benchmarks.md
	$(GO) test -run '^$$' -bench 'Run|Landing|Scale' -benchtime 1x -timeout 60m ./cmd/ripen
	$(GO) test -run '^$$' -bench 'Engine|Plan|Cases' -benchtime 5x -timeout 30m ./cmd/ripen
	$(GO) test -run '^$$' -bench 'Validate|Compiled' -benchtime 3x -timeout 30m ./transforms/transformstest
	$(GO) test -run '^$$' -bench . -timeout 30m ./internal/jsonrows ./landing ./warehouse/duckdb

clean: ## remove what was built and the demo
	rm -rf bin demo .tools
