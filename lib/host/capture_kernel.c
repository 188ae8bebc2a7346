/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel other than the running one as capture kernel: what its image says of
 * itself, and whether it can look at the memory this machine will leave.
 */
#include "lib/host/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* Offsets and bits: Linux Documentation/arch/x86/boot.rst, boot protocol 2.12. */
enum {
	HEADER_BYTES = 0x270,
	OFF_MAGIC = 0x202,
	OFF_PROTOCOL = 0x206,
	OFF_KERNEL_VERSION = 0x20e, /* of a text, less 0x200 */
	OFF_RELOCATABLE = 0x234,
	OFF_XLOADFLAGS = 0x236,
	PROTOCOL_WITH_XLOADFLAGS = 0x20c,
	XLF_KERNEL_64 = 1 << 0,
	XLF_CAN_BE_LOADED_ABOVE_4G = 1 << 1,
	XLF_5LEVEL = 1 << 5,
	MAX_RELEASE_BYTES = 64, /* __NEW_UTS_LEN, Linux include/uapi/linux/utsname.h */
	MAX_CONFIG_BYTES = 16 << 20,
	MAX_CPUINFO_BYTES = 64 << 20,
};

struct image {
	const struct kd_root *root;
	const char *path;
	int fd;
	uint8_t header[HEADER_BYTES];
};

static unsigned int u16_at(const struct image *image, size_t off)
{
	struct kd_cursor c = { .p = image->header + off, .end = image->header + HEADER_BYTES };

	return kd_cursor_u16(&c);
}

static int open_image(struct image *image, struct kd_err *err)
{
	image->fd = kd_root_openat(image->root, image->path, O_RDONLY, 0, err);
	if (image->fd < 0)
		return kd_wrap(err, "the capture kernel cannot be read");
	ssize_t n = kd_pread_full(image->fd, image->header, HEADER_BYTES, 0, image->path, err);
	if (n < 0)
		return (int)n;
	if (n < HEADER_BYTES || memcmp(image->header + OFF_MAGIC, "HdrS", 4) != 0)
		return kd_fail(err, KD_BADDATA,
			       "%s%s is not a Linux kernel (no bzImage boot header): name the file "
			       "that boots",
			       kd_root_prefix(image->root), image->path);
	return 0;
}

/* "6.12.117-capture (user@host) #1 ...": the release ends at the first blank. */
static int read_release(const struct image *image, char **ret, struct kd_err *err)
{
	char text[MAX_RELEASE_BYTES + 1] = "";
	unsigned int at = u16_at(image, OFF_KERNEL_VERSION);
	ssize_t n = 0;

	if (at)
		n = kd_pread_full(image->fd, text, sizeof(text) - 1, at + 0x200, image->path, err);
	if (n < 0)
		return (int)n;
	text[strcspn(text, " \t\n")] = '\0';
	if (!*text || strchr(text, '/') || text[0] == '.')
		return kd_fail(err, KD_BADDATA, "%s%s does not say which release it is",
			       kd_root_prefix(image->root), image->path);
	return kd_strdup(ret, text, err);
}

int kd_host_image_release(const struct kd_root *root, const char *path, char **ret,
			  struct kd_err *err)
{
	struct image image = { .root = root, .path = path, .fd = -1 };
	int rc = open_image(&image, err);

	if (!rc)
		rc = read_release(&image, ret, err);
	if (image.fd >= 0)
		close(image.fd);
	return rc;
}

/* ---- can it do the work? ---- */

/* Is "OPTION=y" a line of a kernel configuration? */
static bool is_set(const char *config, const char *option)
{
	size_t len = strlen(option);

	for (const char *at = config; (at = strstr(at, option)); at += len)
		if ((at == config || at[-1] == '\n') && strncmp(at + len, "=y", 2) == 0)
			return true;
	return false;
}

/* Options without which a kernel cannot be a capture kernel, or not ours. */
static int check_config(const struct image *image, const char *config_path, const char *text,
			bool encrypted, struct kd_err *err)
{
	static const char *const needed[] = { "CONFIG_CRASH_DUMP", "CONFIG_PROC_VMCORE",
					      "CONFIG_BLK_DEV_INITRD", "CONFIG_DEVTMPFS" };
	const char *prefix = kd_root_prefix(image->root);

	for (size_t i = 0; i < KD_ARRAY_LEN(needed); i++)
		if (!is_set(text, needed[i]))
			return kd_fail(err, KD_NOTSUP,
				       "%s%s was built without %s (%s%s) and cannot save a dump: "
				       "choose another kernel",
				       prefix, image->path, needed[i], prefix, config_path);
	if (encrypted && !is_set(text, "CONFIG_AMD_MEM_ENCRYPT"))
		return kd_fail(err, KD_NOTSUP,
			       "this machine's memory is encrypted (mem_encrypt=on) and %s%s was "
			       "built without CONFIG_AMD_MEM_ENCRYPT: it would read only noise; "
			       "choose another kernel",
			       prefix, image->path);
	return 0;
}

static bool has_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = text; (at = strstr(at, word)); at += len) {
		bool starts = at == text || strchr(" \t\n", at[-1]);
		if (starts && (!at[len] || strchr(" \t\n", at[len])))
			return true;
	}
	return false;
}

/* What the boot header promises, against what this machine asks of it. */
static int check_header(const struct image *image, bool la57, struct kd_err *err)
{
	struct kd_host_crash_facts crash = { 0 };
	const char *prefix = kd_root_prefix(image->root);
	bool has_flags = u16_at(image, OFF_PROTOCOL) >= PROTOCOL_WITH_XLOADFLAGS;
	unsigned int flags = has_flags ? u16_at(image, OFF_XLOADFLAGS) : 0;
	int rc = kd_host_crash_facts(image->root, &crash, err);

	if (rc)
		return rc;
	if (!image->header[OFF_RELOCATABLE])
		return kd_fail(err, KD_NOTSUP,
			       "%s%s runs at one address only (CONFIG_RELOCATABLE is off), not in "
			       "the reserved memory: choose another kernel",
			       prefix, image->path);
	if (!(flags & XLF_KERNEL_64))
		return kd_fail(err, KD_NOTSUP,
			       "%s%s is not a 64-bit kernel, and could not read the memory of one: "
			       "choose another",
			       prefix, image->path);
	for (size_t i = 0; i < crash.range_count; i++)
		if (crash.ranges[i].start >> 32 && !(flags & XLF_CAN_BE_LOADED_ABOVE_4G))
			return kd_fail(
				err, KD_NOTSUP,
				"%s%s cannot run above 4 GiB, where this machine's crash "
				"memory is: choose another kernel, or reserve without ',high'",
				prefix, image->path);
	/* kexec_file_load refuses it too: Linux arch/x86/kernel/kexec-bzimage64.c, bzImage64_probe. */
	if (la57 && !(flags & XLF_5LEVEL))
		return kd_fail(err, KD_NOTSUP,
			       "this machine uses 5-level page tables and %s%s cannot be started "
			       "from them (CONFIG_X86_5LEVEL): boot with no5lvl, or choose another "
			       "kernel",
			       prefix, image->path);
	return 0;
}

/* The kernel clears the flag where it does not use 5 levels (no5lvl, no support). */
static bool uses_la57(const struct kd_root *root)
{
	KD_AUTO(kd_freep) char *text = NULL;

	return kd_root_read(root, "/proc/cpuinfo", MAX_CPUINFO_BYTES, &text, NULL, NULL) == 0 &&
	       has_word(text, "la57");
}

int kd_host_check_capture_kernel(const struct kd_root *root, const char *path,
				 const char *config_path, const char *cmdline, bool *config_seen,
				 struct kd_err *err)
{
	struct image image = { .root = root, .path = path, .fd = -1 };
	KD_AUTO(kd_freep) char *text = NULL;
	int rc = open_image(&image, err);

	if (!rc)
		rc = check_header(&image, uses_la57(root), err);
	if (image.fd >= 0)
		close(image.fd);
	if (rc)
		return rc;
	*config_seen = kd_root_exists(root, config_path);
	if (!*config_seen)
		return 0;
	rc = kd_root_read(root, config_path, MAX_CONFIG_BYTES, &text, NULL, err);
	return rc ? rc
		  : check_config(&image, config_path, text, has_word(cmdline, "mem_encrypt=on"),
				 err);
}
