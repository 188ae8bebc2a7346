/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel virtual memory of a dump, lent piece by piece. */
#include "lib/filter/internal.h"

enum { AUX_TRANSLATE_BYTES = 64 << 10 };

int kd_dump_reader_vtop(struct kd_dump_reader *r, uint64_t vaddr, uint64_t want,
			uint64_t *paddr_ret, uint64_t *len_ret)
{
	struct kd_err ignored;

	if (r->arch)
		return kd_arch_vtop(r->arch, vaddr, want, paddr_ret, len_ret, &ignored);
	if (!kd_vmcore_vaddr_to_paddr(r->core, vaddr, paddr_ret, len_ret))
		return -KD_BADDATA;
	if (*len_ret > want)
		*len_ret = want;
	return 1;
}

/* False: @vaddr is not mapped, or its page table cannot be read. */
static bool translate(struct kd_dump_reader *r, uint64_t vaddr, uint64_t want)
{
	uint64_t paddr, len;

	if (r->len && vaddr >= r->vaddr && vaddr - r->vaddr < r->len)
		return true;
	if (want < r->ahead_bytes)
		want = r->ahead_bytes;
	r->len = 0;
	if (kd_dump_reader_vtop(r, vaddr, want, &paddr, &len) != 1)
		return false;
	r->vaddr = vaddr;
	r->paddr = paddr;
	r->len = len;
	return true;
}

static const uint8_t *fetch(struct kd_reader *reader, uint64_t vaddr, size_t want, size_t *len_ret)
{
	struct kd_dump_reader *r = (struct kd_dump_reader *)reader;
	struct kd_err ignored;
	const uint8_t *p;

	if (!translate(r, vaddr, want))
		return NULL;
	uint64_t into = vaddr - r->vaddr;
	if (want > r->len - into)
		want = (size_t)(r->len - into);
	if (kd_vmcore_map(r->window, r->paddr + into, want, &p, len_ret, &ignored))
		return NULL;
	reader->copies = kd_vmcore_window_copies(r->window);
	return p;
}

int kd_dump_reader_init(struct kd_dump_reader *r, struct kd_vmcore *core,
			enum kd_vmcore_access access, size_t map_bytes, size_t read_bytes,
			struct kd_err *err)
{
	struct kd_err why;

	*r = (struct kd_dump_reader){ .reader.fetch = fetch, .core = core };
	r->ahead_bytes = map_bytes ? map_bytes : AUX_TRANSLATE_BYTES;
	int rc = kd_arch_open(core, &r->arch, &why);
	if (rc == -KD_NOMEM) {
		*err = why;
		return rc;
	}
	/* Any other failure leaves the p_vaddr of the segments. */
	rc = kd_vmcore_window_new(core, access, map_bytes, read_bytes, &r->window, err);
	if (rc)
		kd_dump_reader_fini(r);
	return rc;
}

void kd_dump_reader_fini(struct kd_dump_reader *r)
{
	kd_vmcore_window_free(r->window);
	kd_arch_close(r->arch);
	r->window = NULL;
	r->arch = NULL;
}

bool kd_reader_copy(struct kd_reader *r, uint64_t vaddr, void *buf, size_t len)
{
	uint8_t *out = buf;

	while (len) {
		size_t n;
		const uint8_t *p = r->fetch(r, vaddr, len, &n);
		if (!p)
			return false;
		memcpy(out, p, n);
		out += n;
		vaddr += n;
		len -= n;
	}
	return true;
}

bool kd_reader_u64(struct kd_reader *r, uint64_t vaddr, uint64_t *ret)
{
	uint8_t bytes[8];

	if (!kd_reader_copy(r, vaddr, bytes, sizeof(bytes)))
		return false;
	*ret = kd_load64(bytes);
	return true;
}
