/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/support-tree.h"

#include <elf.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

void tree_init(struct tree *t)
{
	struct kd_err err = { 0 };

	*t = (struct tree){ .dir = "/tmp/kd-tree-XXXXXX" };
	assert_non_null(mkdtemp(t->dir));
	if (kd_root_open(t->dir, &t->root, &err))
		fail_msg("%s", err.msg);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

void tree_remove(const char *dir)
{
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void tree_fini(struct tree *t)
{
	kd_root_close(t->root);
	tree_remove(t->dir);
}

static void must(int rc, const struct kd_err *err)
{
	if (rc < 0)
		fail_msg("building the tree: %s", err->msg);
}

void tree_dir(const struct tree *t, const char *path)
{
	struct kd_err err = { 0 };

	must(kd_root_mkdirs(t->root, path, 0755, &err), &err);
}

static void make_parent(const struct tree *t, const char *path)
{
	const char *slash = strrchr(path, '/');

	assert_non_null(slash);
	if (slash == path)
		return;
	char *parent = strndup(path, (size_t)(slash - path));
	assert_non_null(parent);
	tree_dir(t, parent);
	free(parent);
}

void tree_bytes(const struct tree *t, const char *path, const void *data, size_t len)
{
	struct kd_err err = { 0 };

	make_parent(t, path);
	int fd = kd_root_openat(t->root, path, O_WRONLY | O_CREAT | O_TRUNC, 0644, &err);
	must(fd, &err);
	must(kd_write_full(fd, data, len, path, &err), &err);
	close(fd);
}

void tree_file(const struct tree *t, const char *path, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	int n = vasprintf(&text, fmt, ap);
	va_end(ap);
	assert_true(n >= 0);
	tree_bytes(t, path, text, (size_t)n);
	free(text);
}

void tree_link(const struct tree *t, const char *path, const char *text)
{
	char full[512];

	make_parent(t, path);
	snprintf(full, sizeof(full), "%s%s", t->dir, path);
	assert_return_code(symlink(text, full), 0);
}

void tree_syslink(const struct tree *t, const char *path, const char *to)
{
	struct kd_buf text = { 0 };

	tree_dir(t, to);
	for (const char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/'))
		kd_buf_puts(&text, "../");
	kd_buf_puts(&text, to + 1);
	tree_link(t, path, text.p);
	kd_buf_fini(&text);
}

void tree_device(const struct tree *t, const char *dir, const char *modalias, const char *driver,
		 const char *module)
{
	char path[256], to[256];

	tree_dir(t, dir);
	if (modalias) {
		snprintf(path, sizeof(path), "%s/modalias", dir);
		tree_file(t, path, "%s\n", modalias);
	}
	if (!driver)
		return;
	snprintf(path, sizeof(path), "%s/driver", dir);
	snprintf(to, sizeof(to), "/sys/bus/%.*s/drivers/%s", (int)strcspn(driver, "/"), driver,
		 strchr(driver, '/') + 1);
	tree_syslink(t, path, to);
	snprintf(to, sizeof(to), "/sys/bus/%.*s/drivers/%s/module", (int)strcspn(driver, "/"),
		 driver, strchr(driver, '/') + 1);
	if (module && !kd_root_exists(t->root, to)) {
		snprintf(path, sizeof(path), "/sys/module/%s", module);
		tree_syslink(t, to, path);
	}
}

void tree_block(const struct tree *t, const char *dir, const char *number)
{
	char path[256];
	const char *name = strrchr(dir, '/') + 1;

	snprintf(path, sizeof(path), "%s/dev", dir);
	tree_file(t, path, "%s\n", number);
	snprintf(path, sizeof(path), "%s/size", dir);
	tree_file(t, path, "2048\n");
	snprintf(path, sizeof(path), "%s/holders", dir);
	tree_dir(t, path);
	snprintf(path, sizeof(path), "%s/slaves", dir);
	tree_dir(t, path);
	snprintf(path, sizeof(path), "/sys/class/block/%s", name);
	tree_syslink(t, path, dir);
	snprintf(path, sizeof(path), "/sys/dev/block/%s", number);
	tree_syslink(t, path, dir);
}

void tree_partition(const struct tree *t, const char *dir, const char *number)
{
	char path[256];

	tree_block(t, dir, number);
	snprintf(path, sizeof(path), "%s/partition", dir);
	tree_file(t, path, "1\n");
}

void tree_stack(const struct tree *t, const char *upper_dir, const char *lower_dir)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/slaves/%s", upper_dir, strrchr(lower_dir, '/') + 1);
	tree_syslink(t, path, lower_dir);
	snprintf(path, sizeof(path), "%s/holders/%s", lower_dir, strrchr(upper_dir, '/') + 1);
	tree_syslink(t, path, upper_dir);
}

/* ---- modules ---- */

/* Words of @list, each NUL-terminated, behind what is in @out; '+' is a blank inside a word. */
static void add_words(struct kd_buf *out, const char *list)
{
	for (const char *p = list ? list : ""; *p; p += strspn(p, " ")) {
		for (; *p && *p != ' '; p++)
			kd_buf_add(out, *p == '+' ? " " : p, 1);
		kd_buf_add(out, "", 1);
	}
}

enum { SEC_MODINFO = 1, SEC_EXPORTS, SEC_SYMTAB, SEC_STRTAB, SEC_NAMES, SECTIONS };

void tree_module_bytes(const struct tree_module *m, struct kd_buf *out)
{
	static const char names[] = "\0.modinfo\0__ksymtab_strings\0.symtab\0.strtab\0.shstrtab";
	struct kd_buf data[SECTIONS] = { 0 };
	Elf64_Sym sym = { 0 };
	Elf64_Shdr headers[SECTIONS] = { { .sh_type = SHT_NULL } };
	static const unsigned int name_at[SECTIONS] = { 0, 1, 10, 28, 36, 44 };
	Elf64_Ehdr header = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB,
					   EV_CURRENT },
			      .e_type = ET_REL,
			      .e_machine = EM_X86_64,
			      .e_version = EV_CURRENT,
			      .e_ehsize = sizeof(header),
			      .e_shentsize = sizeof(Elf64_Shdr),
			      .e_shnum = SECTIONS,
			      .e_shstrndx = SEC_NAMES };
	size_t at = sizeof(header);

	add_words(&data[SEC_MODINFO], m->modinfo);
	add_words(&data[SEC_EXPORTS], m->exports);
	kd_buf_add(&data[SEC_STRTAB], "", 1);
	add_words(&data[SEC_STRTAB], m->imports);
	kd_buf_add(&data[SEC_SYMTAB], &sym, sizeof(sym));
	for (size_t i = 1; i < data[SEC_STRTAB].len; i += strlen(data[SEC_STRTAB].p + i) + 1) {
		sym = (Elf64_Sym){ .st_name = (Elf64_Word)i,
				   .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_NOTYPE) };
		kd_buf_add(&data[SEC_SYMTAB], &sym, sizeof(sym));
	}
	kd_buf_add(&data[SEC_NAMES], names, sizeof(names));
	for (unsigned int i = 1; i < SECTIONS; i++) {
		headers[i] = (Elf64_Shdr){ .sh_name = name_at[i],
					   .sh_type = i == SEC_SYMTAB ? SHT_SYMTAB : SHT_PROGBITS,
					   .sh_link = i == SEC_SYMTAB ? SEC_STRTAB : 0,
					   .sh_entsize = i == SEC_SYMTAB ? sizeof(sym) : 0,
					   .sh_offset = at,
					   .sh_size = data[i].len };
		at += (data[i].len + 7) / 8 * 8;
	}
	header.e_shoff = at;
	kd_buf_add(out, &header, sizeof(header));
	for (unsigned int i = 1; i < SECTIONS; i++) {
		kd_buf_add(out, data[i].p, data[i].len);
		kd_buf_add(out, "\0\0\0\0\0\0\0", (8 - data[i].len % 8) % 8);
		kd_buf_fini(&data[i]);
	}
	kd_buf_add(out, headers, sizeof(headers));
	assert_false(out->bad);
}

void tree_modules(const struct tree *t, const char *dir, const struct tree_module *list,
		  size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct kd_buf bytes = { 0 };
		char path[256];

		tree_module_bytes(&list[i], &bytes);
		snprintf(path, sizeof(path), "%s/%s", dir, list[i].file);
		tree_bytes(t, path, bytes.p, bytes.len);
		kd_buf_fini(&bytes);
	}
}

void tree_depmod(const struct tree *t, const char *release)
{
	static const char *const programs[] = { "/sbin/depmod", "/usr/sbin/depmod", "/bin/depmod",
						"/usr/bin/depmod" };
	const struct kd_child_opts opts = {
		.stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1, .timeout_ms = 20000
	};
	struct kd_child_end end = { 0 };
	struct kd_err err = { 0 };

	for (size_t i = 0; i < KD_ARRAY_LEN(programs); i++) {
		if (access(programs[i], X_OK))
			continue;
		char *argv[] = { (char *)programs[i], (char *)"-b", (char *)t->dir, (char *)release,
				 NULL };
		must(kd_child_run(argv, &opts, &end, &err), &err);
		assert_true(end.exited);
		assert_int_equal(end.code, 0);
		return;
	}
	fail_msg("there is no depmod: install the package kmod");
}
