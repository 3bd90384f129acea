# Amanat: build, test, demo, bench. Everything made goes to build/.
#
#   make           programs
#   make demo      installs what is missing, builds, shows the main job on real data
#   make test      installs what is missing, builds, runs every test (6.1 and 6.12)
#   make test-kernels   the kernel scenarios on 6.1, 6.12 and 7.x
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
LIBS := -lbpf -lelf -lz -lyaml

# Headers of the BPF target: UAPI only. -Wno-unused-parameter: BPF_PROG names every argument.
BPF_CFLAGS := -std=gnu11 -O2 -g -target bpf -mcpu=v3 -D__TARGET_ARCH_x86 -Wall -Wextra -Werror \
	-Wno-unused-parameter -Wno-address-of-packed-member -MMD -MP \
	-isystem /usr/include/$(shell $(CC) -dumpmachine) -Ibpf

ROOMS := base event policy store kernel output agent cli
SRC := $(foreach r,$(ROOMS),$(wildcard user/$(r)/*.c))
OBJ := $(SRC:user/%.c=$(B)/user/%.o)
PROGRAMS := $(B)/amanatd $(B)/amanat
BPF_SRC := $(wildcard bpf/*.bpf.c)
BPF_OBJ := $(BPF_SRC:bpf/%.bpf.c=$(B)/bpf/%.bpf.o)
SKEL := $(B)/amanat.skel.h

all: $(PROGRAMS)

$(B)/bpf/%.bpf.o: bpf/%.bpf.c
	@mkdir -p $(@D)
	$(CLANG) $(BPF_CFLAGS) -c $< -o $@

$(B)/amanat.bpf.o: $(BPF_OBJ)
	$(BPFTOOL) gen object $@ $^

$(SKEL): $(B)/amanat.bpf.o
	$(BPFTOOL) gen skeleton $< name amanat > $@.tmp
	mv $@.tmp $@

$(B)/user/%.o: user/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c $< -o $@

# Only user/kernel knows the skeleton.
$(filter $(B)/user/kernel/%,$(OBJ)): | $(SKEL)
$(filter $(B)/user/kernel/%,$(OBJ)): $(SKEL)

$(B)/libamanat.a: $(OBJ)
	rm -f $@
	$(AR) rcs $@ $^

$(B)/%: $(B)/user/%.o $(B)/libamanat.a
	$(CC) $(ALL_CFLAGS) $^ -o $@ $(LDFLAGS) $(LIBS)

# ---- tests ------------------------------------------------------------------

UNIT_SRC := $(wildcard tests/unit/test_*.c)
UNIT := $(UNIT_SRC:tests/unit/%.c=$(SAN_B)/%)
# What unit tests link: the rooms that need no kernel, with sanitizers.
SAN_SRC := $(foreach r,base event policy store output cli,$(wildcard user/$(r)/*.c)) \
	user/agent/config.c
SAN_OBJ := $(SAN_SRC:user/%.c=$(SAN_B)/user/%.o)

$(SAN_B)/user/%.o: user/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(SAN_CFLAGS) -c $< -o $@

$(SAN_B)/test_%: tests/unit/test_%.c $(SAN_OBJ)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(SAN_CFLAGS) -Itests $< $(SAN_OBJ) -o $@ $(LDFLAGS) -lcmocka -lyaml

unit: $(UNIT)
	@for t in $(UNIT); do echo "== $$t"; $$t || exit 1; done

# Each harness for FUZZ_S seconds; what it learned stays in build/ for the next time.
FUZZ_S ?= 60
FUZZ := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

$(B)/fuzz/%: tests/fuzz/%.c $(SAN_SRC)
	@mkdir -p $(@D)
	$(CLANG) -std=gnu11 -D_GNU_SOURCE -Iuser -Ibpf -Itests -O1 -g \
		-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all $^ -o $@ -lyaml

fuzz: $(FUZZ)
	@for f in $(FUZZ); do mkdir -p $$f.corpus && \
		$$f -max_total_time=$(FUZZ_S) -artifact_prefix=$$f- $$f.corpus || exit 1; done

clean:
	rm -rf $(B)

-include $(OBJ:.o=.d) $(SAN_OBJ:.o=.d) $(BPF_OBJ:.o=.d) $(PROGRAMS:$(B)/%=$(B)/user/%.d) $(UNIT:=.d)

.PHONY: all unit fuzz clean
.SECONDARY:
.DELETE_ON_ERROR:
