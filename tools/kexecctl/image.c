/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A prepared image in words. */
#include "lib/ondisk/elf.h"
#include "tools/kexecctl/kx.h"

#include <string.h>

static const struct kd_kexec_segment *find(const struct kd_kexec_image *image, const char *name)
{
	for (size_t i = 0; i < image->segment_count; i++)
		if (strcmp(image->segments[i].name, name) == 0)
			return &image->segments[i];
	return NULL;
}

/* The next entry of the ELF core header; false at the end. */
static bool next_phdr(const struct kd_kexec_segment *s, unsigned int number,
		      struct kd_elf_phdr *ret)
{
	struct kd_elf_header header = { 0 };
	const uint8_t *bytes = s->buf;

	if (kd_elf_decode_header(bytes, s->buf_bytes, &header, NULL) || number >= header.phnum)
		return false;
	uint64_t at = header.phoff + (uint64_t)number * header.phentsize;
	return at < s->buf_bytes &&
	       kd_elf_decode_phdr(bytes + at, s->buf_bytes - at, false, ret, NULL) == 0;
}

static void print_segments(const struct kd_kexec_image *image)
{
	char used[KD_SIZE_TEXT_BYTES], room[KD_SIZE_TEXT_BYTES];

	if (image->crash)
		printf("Crash reservation 0x%jx-0x%jx, %s\n", (uintmax_t)image->place.start,
		       (uintmax_t)image->place.end,
		       kd_format_size(image->place.end - image->place.start + 1, room));
	printf("kexec_load of %zu segments, entry 0x%jx%s%s\n", image->segment_count,
	       (uintmax_t)image->entry, image->crash ? ", KEXEC_ON_CRASH" : "",
	       image->hotplug ? ", KEXEC_UPDATE_ELFCOREHDR, KEXEC_CRASH_HOTPLUG_SUPPORT" : "");
	for (size_t i = 0; i < image->segment_count; i++) {
		const struct kd_kexec_segment *s = &image->segments[i];
		printf("  %-12s 0x%09jx-0x%09jx  %s in %s\n", s->name, (uintmax_t)s->mem,
		       (uintmax_t)(s->mem + s->mem_bytes - 1), kd_format_size(s->buf_bytes, used),
		       kd_format_size(s->mem_bytes, room));
	}
	printf("Kernel entry 0x%jx\n", (uintmax_t)image->kernel_entry);
	printf("Command line: %s\n", image->cmdline);
}

static void print_verdict(const struct kd_kexec_image *image)
{
	if (!image->foretold)
		printf("The kernel's answer: not known, too little can be read here\n");
	else if (image->verdict.sys)
		printf("The kernel's answer: %s: %s\n", strerrorname_np(image->verdict.sys),
		       image->verdict.text);
	else
		printf("The kernel's answer: it takes this image\n");
}

static void print_text(const struct kd_kexec_image *image)
{
	const struct kd_kexec_segment *elf = find(image, "elfcorehdr");
	struct kd_elf_phdr p = { 0 };

	print_segments(image);
	printf("Memory map of the new kernel:\n");
	for (size_t i = 0; i < image->memmap_count; i++)
		printf("  0x%09jx-0x%09jx  %s\n", (uintmax_t)image->memmap[i].start,
		       (uintmax_t)image->memmap[i].end, image->memmap[i].type_name);
	if (elf)
		printf("ELF core header:\n");
	for (unsigned int i = 0; elf && next_phdr(elf, i, &p); i++)
		printf("  %-4s 0x%09jx-0x%09jx  at 0x%jx%s\n",
		       p.type == KD_ELF_PT_NOTE ? "note" : "load", (uintmax_t)p.paddr,
		       (uintmax_t)(p.paddr + p.memsz - 1),
		       (uintmax_t)(p.type == KD_ELF_PT_NOTE ? p.offset : p.vaddr),
		       p.offset != p.paddr ? ", saved elsewhere" : "");
	if (image->crash)
		printf("Low memory: %s\n",
		       image->has_backup ? "the purgatory saves it for the dump"
					 : "the running kernel keeps it reserved, nothing to save");
	print_verdict(image);
	if (image->serial.port)
		printf("Purgatory: SHA-256 of each segment%s, speaks at 0x%x\n",
		       image->hotplug ? " but elfcorehdr" : "", image->serial.port);
	else
		printf("Purgatory: SHA-256 of each segment%s, silent\n",
		       image->hotplug ? " but elfcorehdr" : "");
}

static void put_memory(struct kd_json *json, uint64_t start, uint64_t end)
{
	kd_json_u64(json, "start", start);
	kd_json_u64(json, "end", end);
}

static void put_segments(struct kd_json *json, const struct kd_kexec_image *image)
{
	kd_json_open_array(json, "segments");
	for (size_t i = 0; i < image->segment_count; i++) {
		const struct kd_kexec_segment *s = &image->segments[i];
		kd_json_open_object(json, NULL);
		kd_json_string(json, "name", s->name);
		put_memory(json, s->mem, s->mem + s->mem_bytes - 1);
		kd_json_u64(json, "bytes", s->buf_bytes);
		kd_json_close_object(json);
	}
	kd_json_close_array(json);
}

static void put_elf(struct kd_json *json, const struct kd_kexec_segment *elf)
{
	struct kd_elf_phdr p = { 0 };

	if (!elf)
		return;
	kd_json_open_array(json, "elfcorehdr");
	for (unsigned int i = 0; next_phdr(elf, i, &p); i++) {
		kd_json_open_object(json, NULL);
		kd_json_string(json, "type", p.type == KD_ELF_PT_NOTE ? "note" : "load");
		put_memory(json, p.paddr, p.paddr + p.memsz - 1);
		if (p.type == KD_ELF_PT_LOAD)
			kd_json_u64(json, "vaddr", p.vaddr);
		kd_json_u64(json, "offset", p.offset);
		kd_json_close_object(json);
	}
	kd_json_close_array(json);
}

static void print_json(const struct kd_kexec_image *image)
{
	KD_AUTO(kd_buf_fini) struct kd_buf out = { 0 };
	struct kd_json json = { .out = &out, .pretty = true };

	kd_json_open_object(&json, NULL);
	kd_json_bool(&json, "crash", image->crash);
	kd_json_bool(&json, "hotplug", image->hotplug);
	kd_json_u64(&json, "entry", image->entry);
	kd_json_u64(&json, "kernel_entry", image->kernel_entry);
	kd_json_string(&json, "command_line", image->cmdline);
	if (image->crash) {
		kd_json_open_object(&json, "reservation");
		put_memory(&json, image->place.start, image->place.end);
		kd_json_close_object(&json);
	}
	put_segments(&json, image);
	kd_json_open_array(&json, "memory");
	for (size_t i = 0; i < image->memmap_count; i++) {
		kd_json_open_object(&json, NULL);
		put_memory(&json, image->memmap[i].start, image->memmap[i].end);
		kd_json_string(&json, "type", image->memmap[i].type_name);
		kd_json_close_object(&json);
	}
	kd_json_close_array(&json);
	put_elf(&json, find(image, "elfcorehdr"));
	if (image->crash)
		kd_json_bool(&json, "backup", image->has_backup);
	if (image->foretold) {
		kd_json_i64(&json, "errno", image->verdict.sys);
		kd_json_string(&json, "rule", kd_kexec_rule_slug(image->verdict.rule));
		kd_json_string(&json, "verdict", image->verdict.text);
	}
	kd_json_u64(&json, "serial_port", image->serial.port);
	kd_json_close_object(&json);
	fputs(out.p ? out.p : "", stdout);
}

void kx_print_image(const struct kx *kx, const struct kd_kexec_image *image)
{
	if (kx->json)
		print_json(image);
	else
		print_text(image);
}
