# What to type while working on CodeUpgrade. `make` alone lists the targets.

CONTROLPLANE := tests/controlplane/build.sh

.PHONY: help
help: ## list these targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | awk -F '\t' '{ printf "  make %-13s %s\n", $$1, $$2 }'

.PHONY: demo
demo: ## watch a simulated environment being upgraded by the real operator on a real API server
	@assets=$$($(CONTROLPLANE)) && KUBEBUILDER_ASSETS=$$assets cargo run -- demo $(ARGUMENTS)

.PHONY: test
test: ## run all tests, those against a real API server included
	@assets=$$($(CONTROLPLANE)) && KUBEBUILDER_ASSETS=$$assets cargo test

.PHONY: sequences
sequences: ## play thousands of random sequences of edits, orders, faults and crashes; what is wrong is printed as a story
	SEQUENCES=$(or $(SEQUENCES),5000) SEED=$(or $(SEED),1000) cargo test --test stories random_sequences -- --nocapture

.PHONY: bench
bench: ## measure the planner, the collector (up to a million devices over HTTP) and a rollout of a hundred thousand devices
	cargo bench --bench planner --bench devices
	cargo test --release --test cluster -- --ignored --nocapture --test-threads 1

.PHONY: lint
lint: ## check the formatting, then let clippy judge everything
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings

.PHONY: generate
generate: ## write what is written from something else: crds/, the chart's schema and README, the references under docs/
	cargo run -- crds --directory crds
	cargo run -- docs

.PHONY: controlplane
controlplane: ## build etcd, kube-apiserver and kube-controller-manager once, and print where they are
	@$(CONTROLPLANE)

.PHONY: release
release: ## build all that a release consists of into dist/: binaries, chart, krew manifest, list of components, checksums
	@.ci/release

.PHONY: audit
audit: ## judge the dependencies by deny.toml: licences, advisories, sources, duplicates
	@command -v cargo-deny >/dev/null || cargo install --locked cargo-deny
	cargo deny check

.PHONY: tools
tools: ## build helm, promtool and what runs Argo CD's and Flux's part once, and print where they are
	@tests/tools/build.sh
