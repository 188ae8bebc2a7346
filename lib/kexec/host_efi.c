/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an EFI machine's next kernel must be told: the runtime services were mapped once and
 * for all by the first one, so the next needs that mapping (setup_data SETUP_EFI and a
 * memory map of the runtime ranges). Without it the services are left alone, and only the
 * address of the ACPI tables is passed on.
 */
#include "lib/kexec/internal.h"
#include "lib/ondisk/put.h"

#include <string.h>

#define EFI_DIR "/sys/firmware/efi"

enum {
	MAX_DESCRIPTORS = 4096,
	DESCRIPTOR_BYTES = 40, /* EFI_MEMORY_DESCRIPTOR version 1 (UEFI 2.10, 7.2) */
	EFI_INFO_AT = 0x1c0,   /* struct efi_info in the boot parameters */
};

static uint64_t number_of(const struct kd_root *root, const char *path)
{
	unsigned long long v = 0;

	return kd_root_read_u64(root, path, &v, NULL) ? 0 : v;
}

/* Lines "ACPI20=0x7fbfe014"; which there are is up to the firmware. */
static void read_systab(const struct kd_root *root, struct kd_kexec_efi *efi)
{
	KD_AUTO(kd_freep) char *text = NULL;
	size_t len = 0, line_len = 0;
	const char *line = NULL, *end = NULL;
	uint64_t acpi1 = 0;
	const struct {
		const char *key;
		uint64_t *to;
	} keys[] = { { "ACPI20=", &efi->acpi_rsdp },
		     { "ACPI=", &acpi1 },
		     { "SMBIOS=", &efi->smbios } };

	if (kd_root_read(root, EFI_DIR "/systab", 64 << 10, &text, &len, NULL))
		return;
	struct kd_cursor c = { .p = (const uint8_t *)text, .end = (const uint8_t *)text + len };
	while ((line = kd_cursor_line(&c, &line_len)))
		for (size_t i = 0; i < KD_ARRAY_LEN(keys); i++) {
			size_t n = strlen(keys[i].key);
			if (line_len > n && memcmp(line, keys[i].key, n) == 0 &&
			    !kd_hex(line + n, &end, keys[i].to))
				*keys[i].to = 0;
		}
	if (!efi->acpi_rsdp)
		efi->acpi_rsdp = acpi1;
}

/* 1 taken, 0 there is no descriptor of this number. */
static int take_descriptor(const struct kd_root *root, unsigned int number, struct kd_buf *map,
			   struct kd_err *err)
{
	/* in the descriptor's order; the type has 32 bits and as many of padding */
	static const char *const files[] = { "type", "phys_addr", "virt_addr", "num_pages",
					     "attribute" };
	uint8_t descriptor[DESCRIPTOR_BYTES];

	for (size_t i = 0; i < KD_ARRAY_LEN(files); i++) {
		unsigned long long value = 0;
		char path[64];
		snprintf(path, sizeof(path), EFI_DIR "/runtime-map/%u/%s", number, files[i]);
		if (i == 0 && !kd_root_exists(root, path))
			return 0;
		int rc = kd_root_read_u64(root, path, &value, err);
		if (rc)
			return rc;
		kd_put_u64(descriptor + 8 * i, value);
	}
	kd_buf_add(map, descriptor, sizeof(descriptor));
	return 1;
}

int kd_kexec_host_efi(const struct kd_root *root, struct kd_kexec_host *m, struct kd_err *err)
{
	KD_AUTO(kd_buf_fini) struct kd_buf map = { 0 };
	int rc = 1;

	if (!kd_root_exists(root, EFI_DIR))
		return 0;
	read_systab(root, &m->efi);
	m->efi.fw_vendor = number_of(root, EFI_DIR "/fw_vendor");
	m->efi.config_table = number_of(root, EFI_DIR "/config_table");
	for (unsigned int i = 0; rc > 0 && i < MAX_DESCRIPTORS; i++)
		rc = take_descriptor(root, i, &map, err);
	if (rc < 0)
		return rc;
	if (map.bad)
		return kd_fail(err, KD_NOMEM, "no memory");
	m->efi.map_bytes = map.len;
	m->efi.map = (uint8_t *)KD_STEAL(map.p);
	m->efi.usable = m->efi.map_bytes && m->efi.config_table && m->boot_params &&
			memcmp(m->boot_params + EFI_INFO_AT, "EL64", 4) == 0;
	return 0;
}
