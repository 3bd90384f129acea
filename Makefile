# Amanat: build, test, demo, bench. Everything made goes to build/.
#
#   make           programs
#   make demo      installs what is missing, builds, shows the main job on real data
#   make test      installs what is missing, builds, runs every test (6.1 and 6.12)
#   make test-kernels   the kernel scenarios on 6.1, 6.12 and 7.x
#   make prove     the proofs alone (make test runs them too)
#   make evasions  every way around a store, on every kernel: build/evasions.md
#   make bench     what an operation costs, in instructions

CC ?= gcc
CLANG ?= clang
BPFTOOL ?= bpftool
B := build
SAN_B := build/san

WARN := -Wall -Wextra -Werror -Wformat=2 -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
CFLAGS ?= -O2 -g
ALL_CFLAGS := -std=gnu11 $(WARN) -D_GNU_SOURCE -fstack-protector-strong -MMD -MP \
	-Iuser -Ibpf -I$(B) $(CFLAGS)
SAN_CFLAGS := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -O1 -g
LIBS := -lbpf -lelf -lz -lyaml -lsodium -lzstd -lsqlite3 -pthread

# Headers of the BPF target: UAPI only. -Wno-unused-parameter: BPF_PROG names every argument.
BPF_CFLAGS := -std=gnu11 -O2 -g -target bpf -mcpu=v3 -D__TARGET_ARCH_x86 -Wall -Wextra -Werror \
	-Wno-unused-parameter -Wno-address-of-packed-member -MMD -MP \
	-isystem /usr/include/$(shell $(CC) -dumpmachine) -Ibpf

ROOMS := base event ledger query policy store kernel output agent cli
SRC := $(foreach r,$(ROOMS),$(wildcard user/$(r)/*.c))
OBJ := $(SRC:user/%.c=$(B)/user/%.o)
PROGRAMS := $(B)/amanatd $(B)/amanat
BPF_SRC := $(wildcard bpf/*.bpf.c)
BPF_OBJ := $(BPF_SRC:bpf/%.bpf.c=$(B)/bpf/%.bpf.o)
SKEL := $(B)/amanat.skel.h

# Says what is made, not how; `make V=1` shows the commands.
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-8s %s\n' '$(1)' '$@')

all: $(PROGRAMS)

$(B)/bpf/%.bpf.o: bpf/%.bpf.c
	$(call say,BPF)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -c $< -o $@

$(B)/amanat.bpf.o: $(BPF_OBJ)
	$(call say,BPFLINK)
	$(Q)$(BPFTOOL) gen object $@ $^

$(SKEL): $(B)/amanat.bpf.o
	$(call say,SKEL)
	$(Q)$(BPFTOOL) gen skeleton $< name amanat > $@.tmp
	$(Q)mv $@.tmp $@

$(B)/user/%.o: user/%.c
	$(call say,CC)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -c $< -o $@

# Only user/kernel knows the skeleton.
$(filter $(B)/user/kernel/%,$(OBJ)): | $(SKEL)
$(filter $(B)/user/kernel/%,$(OBJ)): $(SKEL)

$(B)/libamanat.a: $(OBJ)
	$(call say,AR)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

$(B)/%: $(B)/user/%.o $(B)/libamanat.a
	$(call say,LINK)
	$(Q)$(CC) $(ALL_CFLAGS) $^ -o $@ $(LDFLAGS) $(LIBS)

# ---- tests ------------------------------------------------------------------

UNIT_SRC := $(wildcard tests/unit/test_*.c)
UNIT := $(UNIT_SRC:tests/unit/%.c=$(SAN_B)/%)
# What unit tests link: the rooms that need no kernel, with sanitizers.
SAN_SRC := $(foreach r,base event ledger query policy store output cli,$(wildcard user/$(r)/*.c)) \
	$(addprefix user/agent/,config.c control.c forebears.c keeping.c log.c loop.c proc.c recorder.c) \
	$(addprefix user/kernel/,exes.c exe_file.c subjects.c)
SAN_OBJ := $(SAN_SRC:user/%.c=$(SAN_B)/user/%.o)

$(SAN_B)/user/%.o: user/%.c
	$(call say,CC)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(SAN_CFLAGS) -c $< -o $@

$(SAN_B)/test_%: tests/unit/test_%.c $(SAN_OBJ)
	$(call say,CC)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(SAN_CFLAGS) -Itests $< $(SAN_OBJ) -o $@ $(LDFLAGS) -lcmocka -lyaml -lsodium -lzstd -lsqlite3

# Dies at every write: what the ledger's writer asks of the system goes through the test.
$(SAN_B)/test_ledger_crash: LDFLAGS += $(foreach f,pwrite ftruncate fsync fdatasync unlinkat \
	renameat renameat2,-Wl,--wrap=$(f))

unit-build: $(UNIT)

unit: $(UNIT)
	@for t in $(UNIT); do echo "== $$t"; $$t || exit 1; done

# Each harness for FUZZ_S seconds; what it learned stays in build/ for the next time.
# fuzz_X begins with what is in tests/data/X and with the words of fuzz_X.dict, if any.
FUZZ_S ?= 60
FUZZ := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

# Compiled once for all of them.
FUZZ_FLAGS := -std=gnu11 -D_GNU_SOURCE -Iuser -Ibpf -Itests -O1 -g -MMD -MP -fno-sanitize-recover=all
FUZZ_OBJ := $(SAN_SRC:user/%.c=$(B)/fuzz/user/%.o)

$(B)/fuzz/user/%.o: user/%.c
	$(call say,CC)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link,address,undefined -c $< -o $@

$(B)/fuzz/fuzz_%: tests/fuzz/fuzz_%.c $(FUZZ_OBJ)
	$(call say,FUZZ)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer,address,undefined $< $(FUZZ_OBJ) -o $@ \
		-lyaml -lsodium -lzstd -lsqlite3 -pthread

fuzz-build: $(FUZZ)

fuzz: $(FUZZ)
	@for f in $(FUZZ); do $(MAKE) --no-print-directory fuzz-one FUZZ_ONE=$${f##*/} || exit 1; done

FUZZ_ONE ?= fuzz_policy
fuzz-one: $(B)/fuzz/$(FUZZ_ONE)
	@n=$(FUZZ_ONE); n=$${n#fuzz_}; f=$<; mkdir -p $$f.corpus && \
		$$f -max_total_time=$(FUZZ_S) -timeout=10 -artifact_prefix=$$f- \
			$$(ls tests/fuzz/fuzz_$$n.dict 2>/dev/null | sed 's/^/-dict=/') \
			$$f.corpus $$(ls -d tests/data/$$n 2>/dev/null)

# ---- what the lab runs: tests/kernel/decide.c, tests/bench/ --------------------

$(B)/tests/decide: tests/kernel/decide.c $(B)/libamanat.a | $(SKEL)
$(B)/tests/property: tests/property.c $(B)/libamanat.a
$(B)/tests/programs: tests/bench/programs.c
$(B)/tests/decide $(B)/tests/property $(B)/tests/programs:
	$(call say,CC)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -Itests -Itests/unit $(filter %.c %.a,$^) -o $@ $(LDFLAGS) $(LIBS)

# Static: so that a fork of them, or an exec, costs little beside our own part.
$(B)/tests/ops: tests/bench/ops.c
	$(call say,CC)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -static $< -o $@

# Static, too: it is one of the programs that the lab copies.
$(B)/tests/storm: tests/bench/storm.c
	$(call say,CC)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -static $< -o $@

$(B)/tests/nothing: tests/bench/nothing.c
	$(call say,CC)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -fno-stack-protector -static -nostdlib $< -o $@

# The ways around a store, and the library that a stranger brings into a program.
EVASION_SRC := $(filter-out tests/evasion/foreign.c,$(wildcard tests/evasion/*.c))
EVASION_OBJ := $(EVASION_SRC:tests/evasion/%.c=$(B)/tests/evasion.o/%.o)
EVASION := $(B)/tests/evasion $(B)/tests/foreign.so

$(B)/tests/evasion.o/%.o: tests/evasion/%.c
	$(call say,CC)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -Itests/evasion -c $< -o $@

$(B)/tests/evasion: $(EVASION_OBJ)
	$(call say,LINK)
	$(Q)$(CC) $(ALL_CFLAGS) $^ -o $@ $(LDFLAGS)

$(B)/tests/foreign.so: tests/evasion/foreign.c
	$(call say,CC)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -shared -fPIC -Itests/evasion $< -o $@ $(LDFLAGS)

evasion-build: $(EVASION)

# The ledger beside SQLite: natively, no kernel is needed. Ratios, never asserted.
$(B)/tests/ledger: tests/bench/ledger.c $(B)/libamanat.a
	$(call say,CC)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -Itests $< $(B)/libamanat.a -o $@ $(LDFLAGS) $(LIBS)

bench-ledger: $(B)/tests/ledger
	@$< $(EVENTS)

# Two processes on stores, and whether all that they did is in the record: in the lab.
storm: all $(B)/tests/storm
	@scripts/vm -k 6.1 -t 1800 -- tests/bench/storm.py

# 100 power cuts of the lab in the middle of a storm. POWERCUTS='-n 20' and the like.
$(B)/tests/reopen: tests/powercuts/reopen.c $(B)/libamanat.a
	$(call say,CC)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(filter %.c %.a,$^) -o $@ $(LDFLAGS) $(LIBS)

$(B)/tests/nosync.so: tests/powercuts/nosync.c
	$(call say,CC)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -shared -fPIC $< -o $@ $(LDFLAGS)

powercuts: all $(B)/tests/storm $(B)/tests/reopen $(B)/tests/nosync.so
	@tests/powercuts/run $(POWERCUTS)

.PHONY: bench-ledger storm powercuts

BENCH := $(B)/tests/programs $(B)/tests/ops $(B)/tests/nothing
bench-build: $(BENCH)
unit-build: $(B)/tests/decide $(B)/tests/property

# ---- proofs -------------------------------------------------------------------

# Of bpf/decide.h, for all inputs; fetches the model checker at its first run.
prove:
	@scripts/prove

.PHONY: prove

# ---- for people ---------------------------------------------------------------

setup:
	@scripts/setup all

setup-lab:
	@scripts/setup build lab

setup-build:
	@scripts/setup build

# On every processor, unless who calls make has said on how many.
JOBS = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc))

# A second make, so that it sees what setup has installed.
demo: setup-lab
	@$(MAKE) --no-print-directory $(JOBS) all
	@scripts/demo

test: setup
	@$(MAKE) --no-print-directory $(JOBS) all evasion-build
	@scripts/test 6.1 6.12

test-kernels: setup-lab
	@$(MAKE) --no-print-directory $(JOBS) all evasion-build
	@scripts/test --kernel-only 6.1 6.12 7

bench: setup-lab
	@$(MAKE) --no-print-directory all bench-build
	@scripts/bench

# Every way around a store that we know, on every kernel and in every flavour.
evasions: setup-lab
	@$(MAKE) --no-print-directory all evasion-build
	@scripts/evasions

# An ordinary day under enforcement: a database, an installation, a container.
harm: setup-lab
	@$(MAKE) --no-print-directory all evasion-build
	@scripts/vm -k 6.1 -t 900 -- tests/evasion/harm

install: all evasion-build
	install -D -m 755 $(B)/amanatd $(DESTDIR)/usr/sbin/amanatd
	install -D -m 755 $(B)/amanat $(DESTDIR)/usr/bin/amanat
	install -D -m 755 $(B)/tests/evasion $(DESTDIR)/usr/libexec/amanat/evasion
	install -D -m 755 $(B)/tests/foreign.so $(DESTDIR)/usr/libexec/amanat/foreign.so
	install -D -m 644 tests/evasion/known-open $(DESTDIR)/usr/libexec/amanat/known-open
	install -D -m 644 user/agent/amanatd.service $(DESTDIR)/usr/lib/systemd/system/amanatd.service
	[ -e $(DESTDIR)/etc/default/amanat ] || install -D -m 644 user/agent/amanat.default $(DESTDIR)/etc/default/amanat
	install -D -m 644 -t $(DESTDIR)/usr/share/doc/amanat README.md policies/BUNDLES.md
	install -D -m 644 policies/README.md $(DESTDIR)/usr/share/doc/amanat/POLICY.md

clean:
	rm -rf $(B)

-include $(OBJ:.o=.d) $(SAN_OBJ:.o=.d) $(FUZZ_OBJ:.o=.d) $(BPF_OBJ:.o=.d) $(PROGRAMS:$(B)/%=$(B)/user/%.d) $(UNIT:=.d) \
	$(EVASION_OBJ:.o=.d) $(addsuffix .d,$(BENCH) $(B)/tests/decide $(B)/tests/property $(B)/tests/ledger $(B)/tests/storm $(B)/tests/reopen $(B)/tests/nosync.so)

.PHONY: all unit unit-build bench-build evasion-build evasions harm fuzz fuzz-one setup setup-build setup-lab demo test test-kernels bench install clean
.SECONDARY:
.DELETE_ON_ERROR:
