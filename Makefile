# Everything that the project checks, and nothing that a plain `cargo` could not do.
# What is set up lies in the checkout (target/); nothing is installed elsewhere.

CARGO ?= cargo
# A lock file that does not fit the manifests fails here and not at a user's.
LOCKED ?= --locked

.PHONY: help python test format-check lint unit doc tidy instructions fmt schema clean

help: ## list what can be made
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1 \t\2/' | expand -t 22

test: format-check lint unit doc tidy instructions ## everything: format, lints, tests, documentation, tidy, instructions

format-check: ## is the code formatted?
	$(CARGO) fmt --all --check

lint: ## clippy, with warnings denied
	$(CARGO) clippy $(LOCKED) --workspace --all-targets -- -D warnings

unit: python ## all Rust tests; those that need data beside the checkout say when they are skipped
	PATH="$(CURDIR)/.venv/bin:$$PATH" $(CARGO) test $(LOCKED) --workspace

# Other implementations that ours is compared with, and tools that read our reports. Without Python or network
# the comparison is skipped, and its test says so.
PYTHON_PACKAGES = pysigma==2.0.1 pandas==3.1.1 pyarrow==26.0.1 py-ocsf-models==0.10.0 stix2-validator==3.3.2

python: .venv/done
.venv/done: Makefile
	@if command -v python3 >/dev/null && python3 -m venv .venv \
	    && .venv/bin/python -m pip install --quiet --disable-pip-version-check $(PYTHON_PACKAGES); \
	then :; else echo "no pySigma, no pandas: what is compared with them is skipped"; mkdir -p .venv; fi
	@touch $@

doc: ## the documentation of the libraries, with warnings denied
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc $(LOCKED) --workspace --no-deps

tidy: ## what review should not have to look for
	$(CARGO) run $(LOCKED) --quiet --package xtask -- tidy

instructions: ## does the program keep to its budget of instructions? skipped without valgrind
	$(CARGO) run $(LOCKED) --quiet --package xtask -- instructions

fmt: ## format the code
	$(CARGO) fmt --all

schema: ## write docs/alert.schema.json anew
	$(CARGO) run $(LOCKED) --quiet --package xtask -- schema

clean: ## remove what was built
	$(CARGO) clean
