# SPDX-License-Identifier: GPL-2.0-or-later
# Library modules: each directory with C files becomes one archive. Objects are
# made in three flavours: plain, sanitized (tests), and clang with fuzzer
# instrumentation (make fuzz).

MODULE_DIRS := $(patsubst %/,%,$(wildcard lib/*/)) $(wildcard vmcoreinfo) $(wildcard crashkernel) \
	$(wildcard capture-initrd/build)
MODULE_SRCS := $(foreach d,$(MODULE_DIRS),$(wildcard $(d)/*.c))

# lib/base -> base, capture-initrd/build -> initrd_build, as in scripts/layers
module_name = $(if $(filter capture-initrd/build,$(1)),initrd_build,$(notdir $(1)))
archive = $(O)/lib/libkd-$(call module_name,$(1)).a

$(O)/config.h: Makefile
	$(Q)mkdir -p $(@D)
	$(Q)printf '/* made by the Makefile */\n#define KD_VERSION "%s"\n#define KD_LIBDIR "%s"\n' \
		'$(VERSION)' '$(prefix)/lib/kdumpkit' >$@.new && mv $@.new $@

# Numbers measured in guests, as rows of an array.
$(O)/crashkernel/measured.h: crashkernel/measured.tsv mk/modules.mk
	$(Q)mkdir -p $(@D)
	$(Q)awk -F'\t' '/^#/ || !NF { next } NF != 4 { print FILENAME ":" FNR ": 4 columns, please" >"/dev/stderr"; exit 1 } \
		{ gsub(/["\\]/, "\\\\&"); printf "\t{ \"%s\", %d, \"%s\", \"%s\" },\n", $$1, $$2, $$3, $$4 }' $< >$@.new && mv $@.new $@
$(O)/obj/crashkernel/measured.o $(O)/san/crashkernel/measured.o $(O)/fuzz/obj/crashkernel/measured.o: \
	$(O)/crashkernel/measured.h

$(O)/obj/%.o: %.c $(O)/config.h
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(BASE_CFLAGS) $(CFLAGS) $(HARDEN) $(SECTIONS) $(CPPFLAGS) -MMD -MP -c $< -o $@

# Short loops over every symbol of a page: unrolled they take 5 % less time.
$(O)/obj/lib/compress/deflate%.o: CFLAGS += -O3

$(O)/san/%.o: %.c $(O)/config.h
	$(call say,CC/san,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(BASE_CFLAGS) $(SAN_CFLAGS) $(CPPFLAGS) -MMD -MP -c $< -o $@

$(O)/fuzz/obj/%.o: %.c $(O)/config.h
	$(call say,CLANG,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BASE_CFLAGS) $(SAN_CFLAGS) -fsanitize=fuzzer-no-link -MMD -MP -c $< -o $@

define module_archive
$(call archive,$(1)): $(patsubst %.c,$(O)/obj/%.o,$(wildcard $(1)/*.c))
	$$(call say,AR,$$@)
	$$(Q)mkdir -p $$(@D)
	$$(Q)rm -f $$@ && ar rcsD $$@ $$^
endef
$(foreach d,$(MODULE_DIRS),$(if $(wildcard $(d)/*.c),$(eval $(call module_archive,$(d)))))

MODULE_ARCHIVES := $(foreach d,$(MODULE_DIRS),$(if $(wildcard $(d)/*.c),$(call archive,$(d))))
archives_of = $(foreach m,$(1),$(filter $(O)/lib/libkd-$(m).a,$(MODULE_ARCHIVES)))
