# SPDX-License-Identifier: GPL-2.0-or-later
# What the machine to crash is made of: Debian's stock kernels and the guest's few
# files. kdump-lab itself makes the disk images of them, when they are out of date.

KERNELS := $(O)/lab/kernels/stamp
# A program is a file lab/guest/NAME.c or a directory lab/guest/NAME.
GUEST_DIRS := $(notdir $(patsubst %/,%,$(wildcard lab/guest/*/)))
GUEST_PROGRAMS := $(patsubst lab/guest/%.c,$(O)/lab/guest/bin/%,$(wildcard lab/guest/*.c)) \
	$(GUEST_DIRS:%=$(O)/lab/guest/bin/%)
GUEST_FILES := $(O)/lab/guest/rc $(O)/lab/guest/initrd-init $(GUEST_PROGRAMS)
LAB_PREREQS := $(addprefix $(O)/bin/,kdump-lab kdumpctl kexecctl kdump-init vmcore) $(KERNELS) $(GUEST_FILES)

.PHONY: kernels lab run-demo
kernels: $(KERNELS) ## fetch Debian's stock kernels for the lab
lab: $(LAB_PREREQS) ## build everything kdump-lab needs

# Removed and made again by "make -W scripts/fetch-kernels kernels": Debian's kernel moves on.
$(KERNELS): scripts/fetch-kernels
	$(Q)scripts/fetch-kernels $(@D)
	$(Q)touch $@

$(O)/lab/guest/%: lab/guest/%
	$(Q)mkdir -p $(@D)
	$(Q)install -m 755 $< $@

# A guest program is static: the guest has no libraries but those of our tools. It may
# use the modules that need nothing but base.
GUEST_ARCHIVES := $(call archives_of,base kexec)
link_guest = $(CC) $(CFLAGS) -static -Wl,--gc-sections -s -o $@ $(filter %.o,$^) \
	-Wl,--start-group $(GUEST_ARCHIVES) -Wl,--end-group \
	$(shell $(PKG_CONFIG) --libs --static nettle) -lpthread
$(O)/lab/guest/bin/%: $(O)/obj/lab/guest/%.o $(GUEST_ARCHIVES)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(link_guest)

define guest_dir
$(O)/lab/guest/bin/$(1): $(call objects_in,lab/guest/$(1)) $(GUEST_ARCHIVES)
	$$(call say,LD,$$@)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(link_guest)
endef
$(foreach d,$(GUEST_DIRS),$(eval $(call guest_dir,$(d))))

# The prerequisites of rules read before this file are already expanded.
run-test: $(LAB_PREREQS)

run-demo: $(LAB_PREREQS)
	$(Q)rm -rf $(O)/demo
	$(Q)$(O)/bin/kdump-lab run --timeline --out=$(O)/demo/run sysrq-local-cloud
	$(Q)mkdir -p $(O)/demo/var && cp -al $(O)/demo/run/sysrq-local-cloud/var/crash $(O)/demo/var/
	$(Q)printf "\nWhat the crash left, now in %s:\n" $(O)/demo/var/crash && \
		cd $(O)/demo/var/crash && ls -l */ && cat */manifest.json
