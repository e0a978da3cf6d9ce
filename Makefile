# The one door to everything that is done with this project; `make help` lists it.

PREFIX ?= /usr/local
DESTDIR ?=
BUN := node_modules/.bin/bun
SOURCES := $(shell find runtime -name '*.ts' -not -name '*.gen.*') package-lock.json
SCHEMAS := $(wildcard schemas/*.json) schemas/generate.ts
GENERATED := runtime/config/types.gen.ts
COMPILE := --compile --bytecode --format=esm --minify \
  --no-compile-autoload-bunfig --no-compile-autoload-dotenv
ADDON := node_modules/@koromix/koffi-linux-x64/linux_x64/koffi.node

.PHONY: build
build: build/runt ## Build the programs into build/

build/runt: runtime/launcher.sh build/libexec/runt
	sed 's|@LIBEXEC@|$(CURDIR)/build/libexec|' runtime/launcher.sh > $@.tmp
	chmod 755 $@.tmp
	mv $@.tmp $@

build/libexec/runt: $(SOURCES) $(GENERATED) node_modules/.package-lock.json
	mkdir -p build/libexec
	install -m 755 $(ADDON) build/libexec/koffi.node
	$(BUN) build $(COMPILE) runtime/main.ts --outfile $@

$(GENERATED): $(SCHEMAS) node_modules/.package-lock.json
	$(BUN) schemas/generate.ts

node_modules/.package-lock.json: package-lock.json
	npm ci --no-audit --no-fund
	touch $@
