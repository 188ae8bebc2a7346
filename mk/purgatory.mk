# SPDX-License-Identifier: GPL-2.0-or-later
# The program between two kernels: freestanding code that runs at any address, as a
# flat file inside lib/kexec (purgatory_blob.c). The packager's CFLAGS are not for it.

PURGATORY_CFLAGS := -std=gnu17 -I. $(WARN) -O2 -g0 -m64 -ffreestanding -nostdlib -fpie \
	-fvisibility=hidden -mgeneral-regs-only -mno-sse -mno-red-zone -fno-stack-protector \
	-fcf-protection=none -fno-asynchronous-unwind-tables -fno-tree-loop-distribute-patterns
PURGATORY_DIR := lib/kexec/purgatory
PURGATORY_OBJS := $(addprefix $(O)/purgatory/,entry.o purgatory.o sha256.o)
PURGATORY_BIN := $(O)/purgatory/purgatory.bin
PURGATORY_BLOBS := $(addsuffix /lib/kexec/purgatory_blob.o,$(O)/obj $(O)/san $(O)/fuzz/obj)

# Other architectures have kexec_file_load only.
ifneq ($(filter x86_64-%,$(shell $(CC) -dumpmachine)),)
$(PURGATORY_BLOBS): BASE_CFLAGS += -DKD_PURGATORY_BIN='"$(PURGATORY_BIN)"'
$(PURGATORY_BLOBS): $(PURGATORY_BIN)
endif

$(O)/purgatory/%.o: $(PURGATORY_DIR)/%.c $(PURGATORY_DIR)/params.h $(PURGATORY_DIR)/sha256.h mk/purgatory.mk
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(PURGATORY_CFLAGS) -c $< -o $@

$(O)/purgatory/%.o: $(PURGATORY_DIR)/%.S mk/purgatory.mk
	$(call say,AS,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(PURGATORY_CFLAGS) -c $< -o $@

$(O)/purgatory/purgatory.elf: $(PURGATORY_OBJS) $(PURGATORY_DIR)/purgatory.lds
	$(call say,LD,$@)
	$(Q)$(CC) $(PURGATORY_CFLAGS) -static-pie -Wl,--build-id=none,--no-dynamic-linker,--orphan-handling=error,--no-warn-rwx-segments \
		-T $(PURGATORY_DIR)/purgatory.lds -o $@ $(PURGATORY_OBJS)

$(PURGATORY_BIN): $(O)/purgatory/purgatory.elf
	$(Q)objcopy -O binary -j .image $< $@
