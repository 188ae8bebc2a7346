/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/ondisk/elf.h"
#include "lib/vmcore/internal.h"

#include <stdlib.h>
#include <string.h>

/* The notes are walked twice: without memory to count them, then to keep them. */
struct walk {
	struct kd_vmcore_note *notes;
	char *names;
	size_t n;
	size_t name_bytes;
};

static void take_note(struct walk *w, const struct kd_elf_note *note, const uint8_t *raw)
{
	if (w->notes) {
		char *name = w->names + w->name_bytes;
		memcpy(name, note->name, note->name_len);
		name[note->name_len] = '\0';
		w->notes[w->n] = (struct kd_vmcore_note){
			.name = name,
			.type = note->type,
			.desc = note->desc,
			.desc_len = note->desc_len,
			.desc_off = (uint64_t)(note->desc - raw),
		};
	}
	w->n++;
	w->name_bytes += note->name_len + 1;
}

/* A note that makes no sense ends its piece: there is no way to find the next one. */
static void walk_notes(const struct kd_vmcore *core, const size_t *ends, size_t n_ends,
		       struct walk *w)
{
	size_t start = 0;

	for (size_t i = 0; i < n_ends; i++) {
		struct kd_cursor c = {
			.p = core->notes_raw + start,
			.end = core->notes_raw + ends[i],
			.big_endian = core->big_endian,
		};
		struct kd_elf_note note;
		struct kd_err err;
		int rc;

		while ((rc = kd_elf_next_note(&c, &note, &err)) == 1)
			take_note(w, &note, core->notes_raw);
		if (rc < 0 && !w->notes)
			kd_log(core->log, KD_LOG_WARN, "vmcore",
			       "%s: %s; the notes behind it are not used", core->name, err.msg);
		start = ends[i];
	}
}

static void find_info_text(struct kd_vmcore *core)
{
	for (size_t i = 0; i < core->n_notes; i++) {
		const struct kd_vmcore_note *note = &core->notes[i];
		if (strcmp(note->name, "VMCOREINFO") == 0 && note->desc_len) {
			core->info_text = (const char *)note->desc;
			core->info_text_len = strnlen(core->info_text, note->desc_len);
			return;
		}
	}
}

int kd_vmcore_parse_notes(struct kd_vmcore *core, const size_t *ends, size_t n_ends,
			  struct kd_err *err)
{
	struct walk counted = { 0 };

	walk_notes(core, ends, n_ends, &counted);
	core->notes = calloc(counted.n + 1, sizeof(*core->notes));
	core->note_names = malloc(counted.name_bytes + 1);
	if (!core->notes || !core->note_names)
		return kd_fail(err, KD_NOMEM, "%s: no memory for %zu notes", core->name, counted.n);

	struct walk filled = { .notes = core->notes, .names = core->note_names };
	walk_notes(core, ends, n_ends, &filled);
	core->n_notes = filled.n;
	find_info_text(core);
	return 0;
}
