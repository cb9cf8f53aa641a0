# SPDX-License-Identifier: MIT
# Ringside.  `make help` lists what can be made.
#
# Variables: CC=gcc|clang   SAN=address|thread|fuzz (a build of its own)
#            WERROR=1 (warnings are errors)   DESTDIR, PREFIX (install)

SHELL := /bin/bash
MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.SUFFIXES:

ifeq ($(origin CC),default)
CC := gcc
endif
PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
SAN ?=
WERROR ?= 1

# Each compiler and sanitizer has its own tree, so that they never mix.
VARIANT := $(notdir $(CC))$(if $(SAN),-$(SAN))
B := build/$(VARIANT)

CFLAGS ?= -O2 -g
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wvla -Wundef -Wformat=2 -Wno-format-nonliteral \
	$(if $(filter 1,$(WERROR)),-Werror)
SANFLAGS := $(if $(filter address,$(SAN)),-fsanitize=address \
	-fsanitize=undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer) \
	$(if $(filter thread,$(SAN)),-fsanitize=thread \
	$(if $(findstring gcc,$(CC)),-Wno-tsan)) \
	$(if $(filter fuzz,$(SAN)),-fsanitize=fuzzer-no-link -fsanitize=address \
	-fsanitize=undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
# -Wno-tsan: the ring's fences are between processes.
CPPFLAGS += -D_GNU_SOURCE -I. -Isrc -I$(B)/gen \
	-DRINGSIDE_VERSION='"$(shell cat VERSION)"'
ALL_CFLAGS := -std=c11 $(CFLAGS) $(WARN) $(SANFLAGS) -fPIC -pthread

pkg = $(shell pkg-config $(1) $(2))
XEN_LIBS := -lxenstore -lxengnttab -lxenevtchn
UST_LIBS := -llttng-ust -ldl
INI_LIBS := -l:libinih.a
DISK_LIBS := -luring $(call pkg,--libs,libnbd) $(INI_LIBS)
VIZ_CFLAGS = $(call pkg,--cflags,libgvc libcgraph babeltrace2 json-c)
VIZ_LIBS := -lbabeltrace2 -lgvc -lcgraph -ljson-c -lm
REC_LIBS := -llttng-ctl
# For "ringside top" alone.  dom0 of "ringside host" has both libraries with
# procps, whose top needs the same two.
TOP_LIBS := $(call pkg,--libs,ncursesw)

# ringside record --probes and --source blkback, and ringside top --stages
# and --kernel, need clang for BPF programs, and libbpf, which is linked
# statically: nothing more need be installed where ringside runs.
# Without them it is left out, and says so.
BPF_CLANG := $(shell command -v clang)
PROBES ?= $(if $(and $(BPF_CLANG),$(wildcard /usr/include/bpf/usdt.bpf.h)),yes,no)
BPF_ARCH := $(patsubst aarch64,arm64,$(patsubst x86_64,x86,$(shell uname -m)))
BPF_LIBS := $(if $(filter yes,$(PROBES)),-l:libbpf.a -l:libelf.a -l:libz.a)

# ---- what is built from what ----------------------------------------------

layer = $(patsubst %.c,$(B)/%.o,$(wildcard $(addsuffix /*.c,$(1))))

BASE_O    := $(call layer,src/base)
XEN_O     := $(call layer,src/xen src/xen/libxen src/xen/desk)
RING_O    := $(call layer,src/ring)
BACK_O    := $(call layer,src/grant src/xenbus src/request src/disk src/backend)
DESK_O    := $(call layer,src/desk src/desk/store)
FRONT_O   := $(call layer,src/frontend)
HOST_O    := $(call layer,src/host)
TOP_O     := $(call layer,src/top)
TOOL_O    := $(call layer,src/tool)
EMIT_O    := $(B)/gen/trace/provider.o
PROBE_O   := $(filter-out %.bpf.o $(if $(filter yes,$(PROBES)),%/absent.o, \
	%/reader.o %/complaint.o $(addprefix %/timing/,load.o stages.o calls.o)), \
	$(call layer,trace/bpf trace/probe trace/kernel trace/timing))
TRACE_O   := $(call layer,trace/record trace/ctf) $(PROBE_O) $(B)/gen/trace/desc.o
VIZ_O     := $(call layer,viz viz/read viz/model viz/views viz/render)
# Not below $(B)/labs, which is what students get.
LAB_O     := $(patsubst labs/engine/%.c,$(B)/engine/%.o,$(wildcard labs/engine/*.c))

# A file named main_*.c holds a program's main; tests link all the others.
no_main = $(filter-out %/main_ringsided.o %/main_ringside.o %/nbdkit_plugin.o,$(1))

LIB_SRC := $(BASE_O) $(XEN_O) $(RING_O) $(BACK_O) $(DESK_O) $(FRONT_O) $(EMIT_O)
# Students write the backend's end of the ring, and get the other programs.
FRONT_RING_O := $(filter-out %/ring/back.o,$(RING_O))

GEN_H := $(B)/gen/trace/events.h $(B)/gen/trace/desc.h

PROGRAMS := $(B)/ringsided $(B)/ringside $(B)/nbdkit-ringside-plugin.so
FIXTURE := $(patsubst tests/%.c,$(B)/%,$(wildcard tests/fixtures/*.c))
UNIT := $(patsubst tests/unit/%.c,$(B)/tests/%,$(wildcard tests/unit/test_*.c))

.PHONY: all
all: $(PROGRAMS) $(B)/host.tar labs lint-layers build/bin ## build ringsided, ringside, the labs

# build/bin holds the programs of the last build, whatever its variant.
.PHONY: build/bin
build/bin: $(PROGRAMS)
	@mkdir -p build && ln -sfn $(VARIANT) build/bin

# What is linked changes with what is installed.
PROBES_STAMP := $(B)/gen/probes-$(PROBES).stamp
$(PROBES_STAMP):
	@mkdir -p $(@D)
	@rm -f $(B)/gen/probes-*.stamp
	@touch $@

RINGSIDED_O := $(BASE_O) $(XEN_O) $(RING_O) $(BACK_O) $(EMIT_O)
$(B)/ringsided: $(RINGSIDED_O)
	@echo "  LD      $@"
	@$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(XEN_LIBS) $(UST_LIBS) $(DISK_LIBS)

$(B)/ringside: $(BASE_O) $(XEN_O) $(FRONT_RING_O) $(DESK_O) $(FRONT_O) $(HOST_O) \
		$(TOP_O) $(TOOL_O) $(EMIT_O) $(TRACE_O) $(VIZ_O) $(LAB_O) $(PROBES_STAMP)
	@echo "  LD      $@"
	@$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ \
		$(filter-out %/nbdkit_plugin.o %.stamp,$^) \
		$(XEN_LIBS) $(UST_LIBS) $(VIZ_LIBS) $(REC_LIBS) $(TOP_LIBS) \
		$(INI_LIBS) $(BPF_LIBS)

# The frontend as a plugin of nbdkit: `ringside front --nbd` runs it.
$(B)/nbdkit-ringside-plugin.so: $(BASE_O) $(XEN_O) $(FRONT_RING_O) $(FRONT_O) $(EMIT_O)
	@echo "  LD      $@"
	@$(CC) $(ALL_CFLAGS) $(LDFLAGS) -shared -o $@ $^ $(XEN_LIBS) $(UST_LIBS)

# What dom0 of "ringside host" gets: all that "make install" installs.
EXAMPLES := $(addprefix src/host/files/,guest.cfg pvh.cfg storage.cfg)
HOST_FILES := $(addprefix src/host/files/,dom0-init guest-init block-ringside \
	ringsided.service) $(EXAMPLES)
$(B)/host.tar: $(PROGRAMS) $(HOST_FILES) $(wildcard docs/man/*) Makefile
	@echo "  TAR     $@"
	@rm -rf $(B)/stage
	@$(MAKE) --no-print-directory -s CC=$(CC) SAN=$(SAN) install-files \
		DESTDIR=$(CURDIR)/$(B)/stage PREFIX=/usr SYSCONFDIR=/etc
	@tar -C $(B)/stage --owner=0 --group=0 --sort=name -cf $@ .

# ---- the catalogue ----------------------------------------------------------

$(B)/gen/trace-gen: trace/gen.c
	@mkdir -p $(@D)/trace
	@echo "  CC      $@"
	@$(CC) -std=c11 -O1 -g $(WARN) -D_GNU_SOURCE -o $@ $<

# One run makes them all (`&:`): two at once would write the same files.
GEN_FILES := enums.h events.h provider.h provider.c desc.h desc.c probes.inc
$(addprefix $(B)/gen/trace/,$(GEN_FILES)) &: $(B)/gen/trace-gen trace/events.def
	@echo "  GEN     $(B)/gen/trace"
	@$(B)/gen/trace-gen trace/events.def $(B)/gen/trace

docs/events.md: trace/events.def $(B)/gen/trace-gen
	@$(B)/gen/trace-gen --markdown trace/events.def > $@

# ---- compiling --------------------------------------------------------------

$(B)/gen/%.o: $(B)/gen/%.c
	@echo "  CC      $@"
	@$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -Wno-undef -MMD -MP -c -o $@ $<

$(B)/src/disk/nbd%.o: CPPFLAGS += $(call pkg,--cflags,libnbd)
$(B)/viz/%.o $(B)/src/top/%.o $(B)/src/tool/%.o $(B)/engine/%.o: CPPFLAGS += $(VIZ_CFLAGS)
# Debian's clang knows the headers of its own machine only when told.
KERNEL_BPF := $(B)/gen/blkback.bpf.o $(B)/gen/blkfront.bpf.o
BPF_OBJECTS := $(addprefix $(B)/gen/,event.bpf.o stages.bpf.o calls.bpf.o) \
	$(KERNEL_BPF)
$(B)/gen/event.bpf.o: trace/probe/event.bpf.c trace/probe/event.h \
		$(B)/gen/trace/probes.inc
$(KERNEL_BPF): $(B)/gen/%.bpf.o: trace/kernel/%.bpf.c trace/kernel/common.bpf.inc \
		trace/kernel/raw.h
$(B)/gen/stages.bpf.o: trace/timing/stages.bpf.c trace/timing/stage.h \
		trace/timing/hist.h
$(B)/gen/calls.bpf.o: trace/timing/calls.bpf.c trace/timing/call.h \
		trace/timing/hist.h
$(BPF_OBJECTS):
	@mkdir -p $(@D)
	@echo "  BPF     $<"
	@clang -target bpf -mcpu=v3 -O2 -g -Wall -Werror \
		-D__TARGET_ARCH_$(BPF_ARCH) -I. -I$(B)/gen \
		-I/usr/include/$(shell uname -m)-linux-gnu -c -o $@ $<

$(B)/trace/probe/reader.o: $(B)/gen/event.bpf.o
$(B)/trace/probe/reader.o: CPPFLAGS += -DPROBE_OBJECT='"$(B)/gen/event.bpf.o"'
$(B)/trace/kernel/reader.o: $(KERNEL_BPF)
$(B)/trace/kernel/reader.o: CPPFLAGS += -DKERNEL_OBJECTS='"$(B)/gen/"'
$(B)/trace/timing/stages.o: $(B)/gen/stages.bpf.o
$(B)/trace/timing/stages.o: CPPFLAGS += -DSTAGES_OBJECT='"$(B)/gen/stages.bpf.o"'
$(B)/trace/timing/calls.o: $(B)/gen/calls.bpf.o
$(B)/trace/timing/calls.o: CPPFLAGS += -DCALLS_OBJECT='"$(B)/gen/calls.bpf.o"'
# .incbin is no dependency that the compiler tells.
$(B)/viz/render/assets.o: $(wildcard viz/render/*.css viz/render/*.js)
$(B)/src/host/files.o: src/host/files/build

$(B)/%.o: %.c | $(GEN_H)
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/engine/%.o: labs/engine/%.c | $(GEN_H)
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

TEST_O := $(BASE_O) $(XEN_O) $(RING_O) $(call no_main,$(BACK_O)) $(DESK_O) \
	$(call no_main,$(FRONT_O)) $(HOST_O) $(TOP_O) $(EMIT_O) $(TRACE_O) $(VIZ_O) \
	$(LAB_O)

# One archive, so that a unit test takes only what it names.
$(B)/libtest.a: $(TEST_O) $(PROBES_STAMP)
	@rm -f $@; ar rcs $@ $(TEST_O)

$(B)/tests/%: tests/unit/%.c $(B)/libtest.a
	@mkdir -p $(@D)
	@echo "  TEST    $@"
	@$(CC) $(CPPFLAGS) $(VIZ_CFLAGS) $(ALL_CFLAGS) -MMD -MP -o $@ $< \
		$(B)/libtest.a -lcmocka $(XEN_LIBS) $(UST_LIBS) $(DISK_LIBS) \
		$(VIZ_LIBS) $(REC_LIBS) $(BPF_LIBS)

# Small programs that the scripts in tests/ use.
$(B)/fixtures/%: tests/fixtures/%.c $(EMIT_O)
	@mkdir -p $(@D)
	@echo "  TEST    $@"
	@$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -o $@ $< $(EMIT_O) $(UST_LIBS)

# The same questions to Xen and to the desk.
$(B)/seam: $(patsubst %.c,$(B)/%.o,$(wildcard tests/seam/*.c)) $(BASE_O) $(XEN_O)
	@echo "  TEST    $@"
	@$(CC) $(ALL_CFLAGS) -o $@ $^ $(XEN_LIBS)

# A hostile frontend against a ringsided, a case for each rule.
CONFORMANCE := $(patsubst %.c,$(B)/%.o,$(wildcard tests/conformance/*.c))
$(B)/conformance: $(CONFORMANCE) $(B)/libtest.a
	@echo "  TEST    $@"
	@$(CC) $(ALL_CFLAGS) -o $@ $^ $(XEN_LIBS) $(UST_LIBS)

# ---- the labs --------------------------------------------------------------

# One tree, for us, for an installation and for a student's kit alike
# (labs/engine/root.h).
ROOT := $(B)/labs
LABS := $(patsubst labs/%/lab.ini,%,$(wildcard labs/*/lab.ini))
LAB_SRC := $(shell find labs -mindepth 1 -path labs/engine -prune -o -print 2>/dev/null)
# The headers that a layer may include, without the folders that they are in;
# not the one that has the answer to a question of lab 5.
LAB_H := $(filter-out src/ring/notify.h,$(wildcard $(addsuffix /*.h,$(addprefix \
	src/,base xen ring grant xenbus request disk backend))))
# What students read; the page for teachers stays with the project.
LAB_TEXTS := $(filter-out docs/teaching.md,$(wildcard docs/*.md)) docs/pictures

# Of a lab: the object that is left out, and the file that lab.ini calls so.
lab_replaces = $(shell sed -nE 's,^replaces *= *(src/[^ ;]+).*,\1,p' labs/$(1)/lab.ini)

# ringsided without that; no student gets by it what another file says.
$(ROOT)/lib/%.o: labs/%/lab.ini $(RINGSIDED_O)
	@mkdir -p $(@D)
	@echo "  LD      $@"
	@out="$(patsubst %.c,$(B)/%.o,$(call lab_replaces,$*))"; \
	case " $(RINGSIDED_O) " in *"$${out:+ $$out }"*) ;; \
	*) echo "$<: ringsided has no such source to replace" >&2; exit 1 ;; esac
	@$(CC) -r -nostdlib -o $@ $(filter-out $(patsubst \
		%.c,$(B)/%.o,$(call lab_replaces,$*)),$(RINGSIDED_O)) $(INI_LIBS)
	@strip --strip-debug $@

# Says where a student's ringsided crashes.
$(ROOT)/lib/crash.o: labs/engine/linked/crash.c
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(CC) -D_GNU_SOURCE $(ALL_CFLAGS) -c -o $@ $<

# What ringsided needs besides, by the libraries' own names: no student has
# to install what is for developers.
$(ROOT)/lib/link.flags: $(B)/ringsided
	@mkdir -p $(@D)
	@{ echo "-pthread $(SANFLAGS)"; objdump -p $< | awk '$$1 == "NEEDED" && \
		$$2 !~ /^(libc|ld-linux.*|libm|libgcc_s|lib[a-z]*san)\.so/ \
		{ print "-l:" $$2 }'; } >$@

# Skeletons are made from solutions, unless a lab has its own.
$(ROOT)/.staged: $(B)/ringside $(B)/conformance $(B)/nbdkit-ringside-plugin.so \
		$(ROOT)/lib/link.flags $(LAB_SRC) $(LAB_H) $(GEN_H) $(LAB_TEXTS)
	@echo "  LABS    $(ROOT)"
	@rm -rf $(addprefix $(ROOT)/,bin include docs labs kit)
	@mkdir -p $(addprefix $(ROOT)/,bin include/trace docs labs)
	@ln -sfn ../../ringside ../../ringsided $(ROOT)/bin/
	@ln -sfn ../../conformance $(ROOT)/bin/ringside-frontends
	@ln -sfn ../../nbdkit-ringside-plugin.so $(ROOT)/bin/
	@cd src && cp --parents $(LAB_H:src/%=%) $(CURDIR)/$(ROOT)/include/
	@cp trace/emit.h $(B)/gen/trace/events.h $(B)/gen/trace/enums.h \
		$(ROOT)/include/trace/
	@cp -R $(LAB_TEXTS) $(ROOT)/docs/
	@cp -R labs/kit $(ROOT)/
	@cp -R $(addprefix labs/,$(LABS)) $(ROOT)/labs/
	@cd $(ROOT)/lib && for o in *.o; do [ "$$o" = crash.o ] || [ -d ../labs/$${o%.o} ] || \
		rm -f "$$o"; done
	@for lab in $(LABS); do [ -e labs/$$lab/skeleton ] || \
		RINGSIDE_LABS=$(ROOT) $(B)/ringside lab skeleton $$lab \
		-o $(ROOT)/labs/$$lab/skeleton || exit 1; done
	@touch $@

.PHONY: labs
labs: $(ROOT)/.staged $(ROOT)/lib/crash.o $(patsubst %,$(ROOT)/lib/%.o,$(LABS)) ## the labs in build/VARIANT/labs

.PHONY: units
units: $(UNIT) $(FIXTURE) $(B)/seam $(B)/conformance ## build the unit tests

# libFuzzer is clang's, so the harnesses have a build of their own.
FUZZ := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_O := $(BASE_O) $(RING_O) $(call layer,src/grant src/xenbus src/request \
	src/disk src/desk/store) $(B)/src/desk/loop.o $(B)/src/backend/turn.o \
	$(B)/src/backend/channel.o $(EMIT_O)

$(B)/libfuzz.a: $(FUZZ_O)
	@rm -f $@; ar rcs $@ $^

$(B)/fuzz/%: tests/fuzz/%.c $(B)/libfuzz.a
	@mkdir -p $(@D)
	@echo "  FUZZ    $@"
	@$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -fsanitize=fuzzer -MMD -MP -o $@ $< \
		$(B)/libfuzz.a $(UST_LIBS) $(DISK_LIBS)

.PHONY: fuzz fuzzers
fuzzers: $(FUZZ)
fuzz: ## build the fuzzing harnesses, which tests/run runs for some seconds
	@+$(MAKE) --no-print-directory CC=clang SAN=fuzz fuzzers

-include $(shell find build -name '*.d' 2>/dev/null)

# ---- checks -----------------------------------------------------------------

.PHONY: lint lint-layers
lint: lint-layers $(GEN_H) ## check includes, headers, format, man pages, docs
	@tests/lint/format
	@tests/lint/protocol
	@tests/lint/links
	@tests/lint/labs
	@CC="$(CC)" VIZ_CFLAGS="$(VIZ_CFLAGS)" tests/lint/headers $(B)/gen
	@mandoc -Tlint -Wwarning docs/man/*.[18]
	@$(B)/gen/trace-gen --markdown trace/events.def | \
		cmp - docs/events.md || { echo "docs/events.md is stale:" \
		"run make docs/events.md" >&2; exit 1; }

lint-layers:
	@tests/lint/layers

.PHONY: deps
deps: ## install the Debian packages that are missing
	@tests/deps demo test

.PHONY: demo
demo: ## disk I/O over the desk, recorded and drawn, in out/demo
	@tests/deps demo
	@+$(MAKE) --no-print-directory all
	@tests/demo.sh

# Everything is tested twice: as it is run, and under ASan and UBSan.
.PHONY: check
check: ## the quick tests, under a minute once built
	@tests/deps demo test
	@+$(MAKE) --no-print-directory SAN=address all units
	@+$(MAKE) --no-print-directory fuzz
	@+$(MAKE) --no-print-directory all units lint
	@tests/run --quick

.PHONY: test
test: ## all tests
	@tests/deps demo test host
	@+$(MAKE) --no-print-directory SAN=address all units
	@+$(MAKE) --no-print-directory SAN=thread all units
	@+$(MAKE) --no-print-directory CC=clang all units fuzz
	@+$(MAKE) --no-print-directory all units lint
	@+$(MAKE) --no-print-directory host-images
	@tests/run --all

# Made once, and kept between runs and checkouts.
export RINGSIDE_HOST_CACHE ?= $(if $(shell [ -w /var/cache ] && echo yes \
	),/var/cache/ringside-host,$(CURDIR)/build/host-cache)
.PHONY: host-images
host-images: all ## the images of the Xen host in QEMU
	@mkdir -p $(RINGSIDE_HOST_CACHE)
	@$(B)/ringside host --cache $(RINGSIDE_HOST_CACHE) images

.PHONY: test-host
test-host: ## only the tests on a real Xen host, in QEMU
	@tests/deps demo test host
	@+$(MAKE) --no-print-directory all units host-images
	@tests/run --all --build gcc host/

.PHONY: bench-host
bench-host: ## the same guest on xen-blkback, qdisk and ringsided
	@tests/deps demo test host
	@+$(MAKE) --no-print-directory all host-images $(B)/bench/bare_backend
	@tests/bench/host

.PHONY: bench-host-levels
bench-host-levels: ## what recording costs on a Xen host, by level and source
	@tests/deps demo test host
	@+$(MAKE) --no-print-directory all host-images $(B)/bench/bench_events
	@tests/bench/host-levels $(LEVELS_ARGS)

.PHONY: bench bench-events bench-desk bench-levels
bench: bench-desk bench-events bench-levels ## ratios to a bare loop, and what recording costs

bench-levels: all $(B)/bench/bench_events ## what recording costs, by level and source
	@tests/bench/levels $(LEVELS_ARGS)

.PHONY: bench-long
bench-long: all ## ten minutes recorded at the highest rate: what is lost
	@tests/bench/long $(LONG_ARGS)

bench-events: $(B)/bench/bench_events ## what an event costs, off and on
	@$<

bench-desk: $(B)/bench/bench_desk ## data paths, rings, queues and segments
	@tests/deps bench
	@mkdir -p out/bench
	@set -o pipefail; BENCH_TSV=out/bench/desk.tsv $< $(BENCH_ARGS) | tee out/bench/desk.txt
	@gnuplot -e 'dir="out/bench"' tests/bench/desk.gnuplot
	@echo "out/bench/desk.svg is the picture of it"

# bench_NAME.c, and what several of them share.
$(B)/bench/%: tests/bench/%.c tests/bench/load.c tests/bench/load_bare.c \
		tests/bench/load.h $(B)/libtest.a
	@mkdir -p $(@D)
	@echo "  BENCH   $@"
	@$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -o $@ $(filter %.c,$^) $(B)/libtest.a \
		$(XEN_LIBS) $(UST_LIBS) $(DISK_LIBS) $(REC_LIBS)

# The least that serves a disk on Xen, which "make bench-host" compares with.
$(B)/bench/bare_backend: tests/bench/bare_backend.c $(BASE_O) $(XEN_O)
	@mkdir -p $(@D)
	@echo "  BENCH   $@"
	@$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -o $@ $^ $(XEN_LIBS)

# ---- installing -------------------------------------------------------------

.PHONY: install install-files install-labs
install: all install-files install-labs ## install programs, labs, man pages, Xen's script below PREFIX
	install -m 644 $(B)/host.tar $(DESTDIR)$(PREFIX)/lib/ringside/

install-files:
	install -d $(addprefix $(DESTDIR)$(PREFIX)/,bin sbin lib/ringside/host \
		share/man/man1 share/man/man8 share/doc/ringside/examples \
		lib/systemd/system) $(DESTDIR)$(SYSCONFDIR)/xen/scripts
	install -m 755 $(B)/ringside $(DESTDIR)$(PREFIX)/bin/
	install -m 755 $(B)/ringsided $(DESTDIR)$(PREFIX)/sbin/
	install -m 644 $(B)/nbdkit-ringside-plugin.so \
		$(DESTDIR)$(PREFIX)/lib/ringside/
	install -m 755 src/host/files/dom0-init src/host/files/guest-init \
		$(DESTDIR)$(PREFIX)/lib/ringside/host/
	install -m 755 src/host/files/block-ringside \
		$(DESTDIR)$(SYSCONFDIR)/xen/scripts/
	install -m 644 $(EXAMPLES) docs/ringsided.conf \
		$(DESTDIR)$(PREFIX)/share/doc/ringside/examples/
	sed 's,/usr/sbin,$(PREFIX)/sbin,' src/host/files/ringsided.service \
		>$(DESTDIR)$(PREFIX)/lib/systemd/system/ringsided.service
	install -m 644 docs/man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1/
	install -m 644 docs/man/*.8 $(DESTDIR)$(PREFIX)/share/man/man8/

# With solutions: on a machine of students, install a kit for each lab.
LABS_TO = $(DESTDIR)$(PREFIX)/lib/ringside/labs
install-labs:
	rm -rf $(LABS_TO)
	install -d $(LABS_TO)/bin
	cp -R $(addprefix $(ROOT)/,lib include docs labs kit) $(LABS_TO)/
	chmod -R u+rwX,go+rX,go-w $(LABS_TO)
	install -m 755 $(B)/conformance $(LABS_TO)/bin/ringside-frontends
	ln -sfn ../../../../bin/ringside ../../../../sbin/ringsided $(LABS_TO)/bin/
	ln -sfn ../../nbdkit-ringside-plugin.so $(LABS_TO)/bin/

.PHONY: clean
clean: ## remove everything that was built
	rm -rf build

.PHONY: help
help: ## list the targets
	@awk -F':.*## ' '/^[a-z][a-z-]*:.*## /{printf "  make %-14s %s\n", $$1, $$2}' \
		$(MAKEFILE_LIST)
