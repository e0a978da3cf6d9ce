# The one door to everything that is done with this project; `make help` lists it.

PREFIX ?= /usr/local
DESTDIR ?=
RUNTIME ?= build/runt

# Where test/tools.sh puts Go if the machine has none that is new enough.
export PATH := $(CURDIR)/build/go/bin:$(PATH)

BUN := node_modules/.bin/bun
BIOME := node_modules/.bin/biome
TSC := node_modules/.bin/tsc

PACKAGES := node_modules/.package-lock.json
SCHEMAS := $(wildcard schemas/*.json schemas/*.ts)
GENERATED := $(addprefix runtime/config/,types.gen.ts schemas.gen.ts explain.gen.ts validate.gen.ts)
SOURCES := $(shell find runtime shim -name '*.ts' -not -name '*.gen.ts')
COMPILE := --compile --bytecode --splitting --format=esm --minify \
  --no-compile-autoload-bunfig --no-compile-autoload-dotenv

# koffi brings an addon for each C library.
LIBC := $(if $(wildcard /lib64/ld-linux-x86-64.so.2),linux,musl)
ADDON := node_modules/@koromix/koffi-linux-x64/$(LIBC)_x64/koffi.node

# containerd finds it by the name io.containerd.runt.v2.
SHIM := containerd-shim-runt-v2

LIBEXEC := $(CURDIR)/build/libexec
INSTALLED := $(PREFIX)/lib/runt
# Where root mounts a program's folder read-only, so that no container can write to it.
PROTECTED := /run/runt/exe

# at-most SECONDS: whatever takes longer is ended, and fails.
at-most = timeout --foreground --kill-after=10 $(1)

.DELETE_ON_ERROR:
.DEFAULT_GOAL := build

##@ To begin with

.PHONY: demo
demo: build bundles/hello/rootfs/bin/hello ## Take a container through its life, each command with its output (as root)
	@bundles/demo.sh

.PHONY: help
help: ## List all of this
	@awk -F ':.*## ' '/^##@/ { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

##@ Programs

.PHONY: build
build: build/runt build/$(SHIM) ## Build the programs into build/

.PHONY: gen
gen: $(GENERATED) ## Generate types and validators from schemas/

.PHONY: clean
clean: ## Remove everything that was built or generated; installed packages stay
	@$(call let-go,$(LIBEXEC))
	rm -rf build bundles/hello/rootfs $(GENERATED)

.PHONY: install
install: build ## Install below PREFIX (/usr/local), staged in DESTDIR
	$(call put,755,build/libexec/runt,$(DESTDIR)$(INSTALLED)/runt)
	$(call put,644,build/libexec/koffi.node,$(DESTDIR)$(INSTALLED)/koffi.node)
	@$(call launcher,$(INSTALLED),) > build/launcher
	$(call put,755,build/launcher,$(DESTDIR)$(PREFIX)/bin/runt)
	@$(call launcher,$(INSTALLED),$(SHIM) ) > build/launcher
	$(call put,755,build/launcher,$(DESTDIR)$(PREFIX)/bin/$(SHIM))

.PHONY: uninstall
uninstall: ## Remove what install has installed
	@$(call let-go,$(INSTALLED))
	rm -f $(DESTDIR)$(PREFIX)/bin/runt $(DESTDIR)$(PREFIX)/bin/$(SHIM)
	rm -rf $(DESTDIR)$(INSTALLED)

##@ Tests

.PHONY: check
check: $(GENERATED) ## Types, lint, format, order: the door before each commit (no root, seconds)
	$(TSC) -p .
	$(BIOME) check .
	$(BUN) test/run.ts test/unit/tidy.test.ts test/unit/plan test/unit/clauses

.PHONY: test
test: tools build ## All tests (as root); ends with one line, N passed, N failed, N skipped
	@$(MAKE) --no-print-directory -j2 --output-sync=target \
	  build/conformance/version build/vm/version build/callers/version
	@test/all.sh unit system security conformance test-callers test-containerd test-vm spec-conformance fuzz

.PHONY: unit
unit: $(GENERATED) ## Tests of single modules, without root
	$(call at-most,180) $(BUN) test/run.ts test/unit

.PHONY: system
system: build ## Tests of containers, by the command line
	$(call at-most,300) $(BUN) test/run.ts --jobs=2 test/system

.PHONY: security
security: build ## Tests of known attacks
	$(call at-most,300) $(BUN) test/run.ts --jobs=2 test/security

.PHONY: conformance
conformance: build build/conformance/version ## The validation programs of OCI runtime-tools, against RUNTIME (build/runt)
	$(call at-most,300) $(BUN) test/conformance/run.ts --runtime=$(RUNTIME)

.PHONY: test-callers
test-callers: build build/callers/version ## Podman, Docker and containerd as they are packaged, with RUNTIME as their runtime
	$(call at-most,300) $(BUN) test/run.ts test/callers

.PHONY: test-containerd
test-containerd: build build/callers/version ## The shim, alone and with containerd 1.6 and 2, on the command line and as Kubernetes calls them
	$(call at-most,300) $(BUN) test/run.ts --jobs=2 test/shim test/containerd

.PHONY: test-containerd-17
test-containerd-17: build build/callers-17/version ## The same with containerd 1.7, which is built first; no part of `make test`
	$(call at-most,300) $(BUN) test/run.ts test/containerd/containerd-1.7.ts

.PHONY: test-docker-shim
test-docker-shim: build build/callers/version build/docker/version ## Docker 29, which is built first, with the shim; no part of `make test`
	$(call at-most,300) $(BUN) test/run.ts test/docker

.PHONY: test-vm
test-vm: build build/vm/version ## Tests of what this machine may lack (cgroup v2, systemd, AppArmor), in virtual machines
	$(call at-most,360) $(BUN) test/vm/run.ts

.PHONY: conformance-vm
conformance-vm: build build/conformance/version build/vm/version ## The programs of make conformance in a virtual machine with all of cgroup v1; takes minutes
	$(call at-most,2500) $(BUN) test/vm/run.ts --conformance

.PHONY: spec-conformance
spec-conformance: $(GENERATED) ## Hold what the tests have shown against the specification; writes the page in docs
	$(call at-most,120) $(BUN) test/spec/run.ts

.PHONY: fuzz
fuzz: build ## Sample bundles, changed at random for 2 minutes (FUZZ_SECONDS=, FUZZ_SEED=)
	$(call at-most,$$(( $${FUZZ_SECONDS:-120} + 30 ))) $(BUN) test/run.ts --limit=100000 test/fuzz

.PHONY: soak
soak: build ## The long runs of the system and security tests, at their full size
	SOAK=1 $(BUN) test/run.ts --limit=3600 test/system test/security test/shim

.PHONY: bench
bench: tools build build/callers/version ## Compare times and memory with other runtimes (as root); ONLY=shim for a part
	$(BUN) bench/run.ts --runtime=$(RUNTIME) --only="$(ONLY)"

.PHONY: plans
plans: $(GENERATED) ## Write the printed plans in test/plans anew
	WRITE_PLANS=1 $(BUN) test/unit/plan/golden.test.ts

.PHONY: fmt
fmt: $(PACKAGES) ## Format and fix what can be fixed
	$(BIOME) check --write .

.PHONY: tools
tools: ## Install what the tests need (as root, by apt), unless it is there
	@test/tools.sh

# Files

# Out of the shell and tools of this machine; the samples share it.
bundles/hello/rootfs/bin/hello: bundles/rootfs.sh bundles/hello/hello.sh
	bundles/rootfs.sh bundles/hello/rootfs

# Built apart, so that it does not count against the time of the tests; nothing where Go is missing.
build/conformance/version: test/conformance/build.ts | $(PACKAGES)
	$(call at-most,600) $(BUN) --eval 'import { build } from "./test/conformance/build.ts"; build()'
	@touch --no-create $@

# Built apart, for the same reason. Where it cannot be made the tests are skipped with the log's last words.
build/vm/version: test/vm/image.sh test/vm/initramfs.sh test/vm/guest/job.service
	@mkdir -p build/vm
	@rm -f $@
	@echo "making images of virtual machines, once: some 40 seconds"
	@$(call at-most,600) test/vm/image.sh > build/vm/image.log 2>&1 \
	  || tail -n 5 build/vm/image.log

# Built apart, for the same reason. Where it cannot be built its tests are skipped with the log's last words.
build/callers/version build/callers-17/version build/docker/version: build/%/version: test/%/build.sh
	@mkdir -p $(@D)
	@rm -f $@
	@echo "building what $(<D) needs, once: some minutes"
	@$(call at-most,900) $< > $(@D)/build.log 2>&1 || tail -n 5 $(@D)/build.log

build/runt: runtime/launcher.sh build/libexec/runt
	@$(call launcher,$(LIBEXEC),) > $@.tmp
	@chmod 755 $@.tmp
	./$@.tmp --version
	@mv $@.tmp $@

build/$(SHIM): runtime/launcher.sh build/libexec/runt
	@$(call launcher,$(LIBEXEC),$(SHIM) ) > $@.tmp
	@chmod 755 $@.tmp
	./$@.tmp -v
	@mv $@.tmp $@

# Never written in place: containers may be running from the old one.
build/libexec/runt: $(SOURCES) $(GENERATED) $(PACKAGES) package.json build/commit build/libexec/koffi.node
	$(call at-most,60) $(BUN) build $(COMPILE) \
	  --define RUNT_COMMIT="\"$$(cat build/commit)\"" shim/program.ts --outfile $@.$$$$ \
	  && mv $@.$$$$ $@ || { rm -f $@.$$$$; false; }

build/libexec/koffi.node: $(PACKAGES)
	$(call put,755,$(ADDON),$@)

# The last commit that changed the program. Rewritten only when it is another one.
PROGRAM := runtime shim schemas package.json package-lock.json
.PHONY: always
build/commit: always
	@mkdir -p build
	@commit=$$(git log -1 --format=%H -- $(PROGRAM) 2>/dev/null); \
	  if [ -z "$$commit" ]; then commit=unknown; \
	  elif ! git diff --quiet HEAD -- $(PROGRAM); then commit=$$commit-dirty; fi; \
	  [ "$$(cat $@ 2>/dev/null)" = "$$commit" ] || echo "$$commit" > $@

$(GENERATED) &: $(SCHEMAS) $(PACKAGES)
	$(BUN) schemas/generate.ts
	@touch $(GENERATED)

$(PACKAGES): package-lock.json
	@node --eval 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)' \
	  || { echo "Node 20 or later has to be installed, with npm" >&2; false; }
	$(call at-most,180) npm ci --no-audit --no-fund
	touch $@

# launcher FOLDER, WORDS: one program is both; the shim's launcher tells it by a first word.
launcher = sed -e 's|@LIBEXEC@|$(1)|' -e 's|@PROGRAM@|$(2)|' runtime/launcher.sh

# put MODE, FILE, TARGET: whoever looks sees the old file or the new one, and never a part.
define put
@umask 022; mkdir -p $(dir $(3))
install -m $(1) $(2) $(3).tmp
@mv $(3).tmp $(3)
endef

# let-go FOLDER: ends the read-only mount that runs have made of it.
let-go = ! mountpoint -q $(PROTECTED)$(1) || umount --lazy $(PROTECTED)$(1)
