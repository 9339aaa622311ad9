# Everything that the project checks, and nothing that a plain `cargo` could not do.
# What is set up lies in the checkout (target/); nothing is installed elsewhere.

CARGO ?= cargo
# A lock file that does not fit the manifests fails here and not at a user's.
LOCKED ?= --locked
# Where programs are built to.
BUILT := $(or $(CARGO_TARGET_DIR),target)/debug
# Built among the whole workspace, our programs share what the tests were built of; each by itself, with other features
# of the same libraries, would have many of them built again.
BUILD = $(CARGO) build $(LOCKED) --quiet --workspace --bin
XTASK = $(BUILD) xtask && $(BUILT)/xtask

.PHONY: help python wheel test format-check lint unit doc tidy instructions windows dist html html-check html-browser fmt schema clean

help: ## list what can be made
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1 \t\2/' | expand -t 22

test: format-check lint unit wheel html-check html-browser doc tidy instructions windows ## everything: format, lints, tests, Python, the page, documentation, tidy, instructions, Windows

format-check: ## is the code formatted?
	$(CARGO) fmt --all --check

lint: ## clippy, with warnings denied
	$(CARGO) clippy $(LOCKED) --workspace --all-targets -- -D warnings

unit: python ## all Rust tests; those that need data beside the checkout say when they are skipped
	PATH="$(CURDIR)/.venv/bin:$$PATH" $(CARGO) test $(LOCKED) --workspace --no-fail-fast

# Other implementations that ours is compared with, and tools that read our reports. Without Python or network
# the comparison is skipped, and its test says so.
PYTHON_PACKAGES = pysigma==2.0.1 pandas==3.1.1 pyarrow==26.0.1 py-ocsf-models==0.10.0 stix2-validator==3.3.2 mitreattack-python==6.3.1

python: .venv/done
.venv/done: Makefile
	@if command -v python3 >/dev/null && python3 -m venv .venv \
	    && .venv/bin/python -m pip install --quiet --disable-pip-version-check $(PYTHON_PACKAGES); \
	then :; else echo "no pySigma, no pandas: what is compared with them is skipped"; mkdir -p .venv; fi
	@touch $@

wheel: ## the Python module: its wheel in a fresh environment, tests, types, notebooks; skipped without Python or network
	crates/evtmap-py/test.sh

doc: ## the documentation of the libraries, with warnings denied
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc $(LOCKED) --workspace --no-deps

tidy: ## what review should not have to look for
	$(XTASK) tidy

instructions: ## does the program keep to its budget of instructions? skipped without valgrind
	$(XTASK) instructions

windows: ## does the program do the same on Windows? built with mingw, run under Wine; skipped where that cannot be had
	$(XTASK) windows

dist: ## archives of what is released, in target/dist
	$(XTASK) dist

# The page of the HTML report: sources in TypeScript, one bundled file beside them that the program carries.
HTML := crates/evtmap/html

html: $(HTML)/node_modules/.package-lock.json ## bundle the page of the HTML report anew
	cd $(HTML) && node build.mjs

html-check: ## is the page sound, and its bundle what the sources give? skipped without node and npm
	@if command -v node >/dev/null && command -v npm >/dev/null; \
	then $(MAKE) --no-print-directory $(HTML)/node_modules/.package-lock.json && cd $(HTML) && npm run --silent check; \
	else echo "no node and npm: the page of the HTML report is not checked"; fi

# Reports are made of the example and of a log whose every field is an attack, opened in Chromium and used. What
# was seen stays in target/html-report. Debian's Chromium is installed where that can be done without asking.
PICTURES := $(CURDIR)/target/html-report

html-browser: ## is the HTML report right in a browser? skipped without node, npm and Chromium
	@if ! command -v node >/dev/null || ! command -v npm >/dev/null; \
	then echo "no node and npm: the HTML report is not opened in a browser"; exit 0; fi; \
	if ! command -v chromium >/dev/null && ! command -v google-chrome >/dev/null && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; \
	then apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null || true; fi; \
	$(MAKE) --no-print-directory $(HTML)/node_modules/.package-lock.json && mkdir -p $(PICTURES) && \
	node $(HTML)/test/hostile.mjs > $(PICTURES)/hostile.jsonl && \
	$(BUILD) evtmap && $(BUILT)/evtmap map examples/incident --quiet -o $(PICTURES)/incident.html && \
	$(BUILT)/evtmap map $(PICTURES)/hostile.jsonl --all-events --quiet -o $(PICTURES)/hostile.html && \
	{ node $(HTML)/test/browser.mjs --incident $(PICTURES)/incident.html --hostile $(PICTURES)/hostile.html --pictures $(PICTURES); \
	  status=$$?; [ $$status -eq 77 ] || exit $$status; }

$(HTML)/node_modules/.package-lock.json: $(HTML)/package-lock.json
	cd $(HTML) && npm ci --silent --no-fund --no-audit
	@touch $@

fmt: ## format the code
	$(CARGO) fmt --all

schema: ## write docs/alert.schema.json anew
	$(XTASK) schema

clean: ## remove what was built
	$(CARGO) clean
