# SPDX-License-Identifier: GPL-2.0-or-later
# Installing: programs, the static capture init, manual pages.

MAN_PAGES := $(wildcard docs/man/*.[1-9])

.PHONY: install
install: programs ## install below $(DESTDIR)$(prefix)
	install -d $(DESTDIR)$(prefix)/bin $(DESTDIR)$(prefix)/sbin $(DESTDIR)$(prefix)/lib/kdumpkit
	install -m 755 $(O)/bin/vmcore $(DESTDIR)$(prefix)/bin/vmcore
	install -m 755 $(O)/bin/kdumpctl $(DESTDIR)$(prefix)/sbin/kdumpctl
	install -m 755 $(O)/bin/kexecctl $(DESTDIR)$(prefix)/sbin/kexecctl
	install -m 755 $(O)/bin/kdump-init $(DESTDIR)$(prefix)/lib/kdumpkit/kdump-init
	for page in $(MAN_PAGES); do \
		install -D -m 644 $$page $(DESTDIR)$(prefix)/share/man/man$${page##*.}/$${page##*/}; \
	done
	test -e $(DESTDIR)$(sysconfdir)/kdump.conf || \
		install -D -m 644 packaging/kdump.conf $(DESTDIR)$(sysconfdir)/kdump.conf
