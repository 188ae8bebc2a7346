# SPDX-License-Identifier: GPL-2.0-or-later
# Programs: one directory each. tools/NAME -> build/bin/NAME, the lab, and the
# static capture init.

TOOLS := $(notdir $(patsubst %/,%,$(wildcard tools/*/)))
PROGRAMS := $(addprefix $(O)/bin/,$(TOOLS))

objects_in = $(patsubst %.c,$(O)/obj/%.o,$(wildcard $(1)/*.c))

define host_program
$(O)/bin/$(1): $(call objects_in,$(2)) $(MODULE_ARCHIVES)
	$$(call say,LD,$$@)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(CC) $$(CFLAGS) $$(LDFLAGS) -Wl,--gc-sections,--as-needed -o $$@ \
		$(call objects_in,$(2)) -Wl,--start-group $(MODULE_ARCHIVES) -Wl,--end-group $$(HOST_LIBS)
endef
$(foreach t,$(TOOLS),$(eval $(call host_program,$(t),tools/$(t))))

ifneq ($(wildcard lab/*.c),)
$(eval $(call host_program,kdump-lab,lab))
PROGRAMS += $(O)/bin/kdump-lab
endif

# PID 1 of the capture kernel: the modules ARCHITECTURE allows behind the panic.
INIT_MODULES := base plan dumpdir vmcoreinfo ondisk compress vmcore arch filter format sink dump report
INIT_ARCHIVES := $(call archives_of,$(INIT_MODULES))
ifneq ($(wildcard capture-initrd/init/*.c),)
$(O)/bin/kdump-init: $(call objects_in,capture-initrd/init) $(INIT_ARCHIVES)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -static -Wl,--gc-sections -s -o $@ $(filter %.o,$^) \
		-Wl,--start-group $(INIT_ARCHIVES) -Wl,--end-group $(CAPTURE_LIBS)
PROGRAMS += $(O)/bin/kdump-init
endif

.PHONY: programs
programs: $(PROGRAMS)
