/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "capture-initrd/build/elfdeps.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <glob.h>
#include <limits.h>
#include <string.h>

enum { MAX_OBJECTS = 256, MAX_CONF_DEPTH = 4, MAX_CONF_BYTES = 64 << 10 };

/* What one object asks for. */
struct wants {
	char *interp;
	struct kd_strv needed;
	struct kd_strv run_dirs;
	int machine;
};

static void wants_fini(struct wants *w)
{
	free(w->interp);
	kd_strv_fini(&w->needed);
	kd_strv_fini(&w->run_dirs);
}

static void elf_endp(Elf **elf)
{
	elf_end(*elf);
}

/* "$ORIGIN/../lib:/opt/lib" -> directories */
static int add_run_dirs(struct wants *w, const char *text, const char *path, struct kd_err *err)
{
	KD_AUTO(kd_strv_fini) struct kd_strv parts = { 0 };
	int dir_len = (int)(strrchr(path, '/') - path);
	int rc = kd_strv_split(&parts, text, ":", err);

	for (size_t i = 0; !rc && i < parts.n; i++) {
		const char *rest = parts.v[i];
		if (strncmp(rest, "$ORIGIN", 7) == 0)
			rc = kd_strv_addf(&w->run_dirs, err, "%.*s%s", dir_len, path, rest + 7);
		else
			rc = kd_strv_add(&w->run_dirs, rest, err);
	}
	return rc;
}

static int read_dynamic(Elf *elf, Elf_Scn *scn, const GElf_Shdr *shdr, const char *path,
			struct wants *w, struct kd_err *err)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	size_t count = data && shdr->sh_entsize ? data->d_size / shdr->sh_entsize : 0;
	int rc = 0;

	for (size_t i = 0; !rc && i < count; i++) {
		GElf_Dyn dyn;
		if (!gelf_getdyn(data, (int)i, &dyn))
			break;
		if (dyn.d_tag != DT_NEEDED && dyn.d_tag != DT_RUNPATH && dyn.d_tag != DT_RPATH)
			continue;
		const char *text = elf_strptr(elf, shdr->sh_link, dyn.d_un.d_val);
		if (!text)
			return kd_fail(err, KD_BADDATA, "%s: damaged dynamic section", path);
		rc = dyn.d_tag == DT_NEEDED ? kd_strv_add(&w->needed, text, err)
					    : add_run_dirs(w, text, path, err);
	}
	return rc;
}

static int read_interp(Elf *elf, const char *path, struct wants *w, struct kd_err *err)
{
	size_t count = 0, file_size = 0;
	const char *bytes = elf_rawfile(elf, &file_size);

	if (elf_getphdrnum(elf, &count) || !bytes)
		return kd_fail(err, KD_BADDATA, "%s: %s", path, elf_errmsg(-1));
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr phdr;
		if (!gelf_getphdr(elf, (int)i, &phdr) || phdr.p_type != PT_INTERP)
			continue;
		if (phdr.p_offset > file_size || phdr.p_filesz > file_size - phdr.p_offset ||
		    phdr.p_filesz == 0 || bytes[phdr.p_offset + phdr.p_filesz - 1])
			return kd_fail(err, KD_BADDATA, "%s: damaged interpreter name", path);
		return kd_strdup(&w->interp, bytes + phdr.p_offset, err);
	}
	return 0;
}

static int read_object(const struct kd_root *root, const char *path, struct wants *w,
		       struct kd_err *err)
{
	KD_AUTO(kd_closep) int fd = kd_root_openat(root, path, O_RDONLY, 0, err);
	if (fd < 0)
		return fd;
	elf_version(EV_CURRENT);
	KD_AUTO(elf_endp) Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	GElf_Ehdr ehdr;
	if (!elf || elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &ehdr))
		return kd_fail(err, KD_BADDATA,
			       "%s is not an ELF program: only binaries can go into the image",
			       path);
	w->machine = ehdr.e_machine;

	int rc = read_interp(elf, path, w, err);
	for (Elf_Scn *scn = elf_nextscn(elf, NULL); !rc && scn; scn = elf_nextscn(elf, scn)) {
		GElf_Shdr shdr;
		if (gelf_getshdr(scn, &shdr) && shdr.sh_type == SHT_DYNAMIC)
			rc = read_dynamic(elf, scn, &shdr, path, w, err);
	}
	return rc;
}

static int read_ld_conf(const struct kd_root *root, const char *path, unsigned int depth,
			struct kd_strv *dirs, struct kd_err *err);

/* "include /etc/ld.so.conf.d/[*].conf": names in the directory that match, sorted. */
static int read_ld_conf_include(const struct kd_root *root, const char *pattern, unsigned int depth,
				struct kd_strv *dirs, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *full = NULL;
	glob_t found = { 0 };
	size_t skip = strlen(kd_root_prefix(root));
	int rc = kd_asprintf(&full, err, "%s%s", kd_root_prefix(root), pattern);

	if (rc)
		return rc;
	if (glob(full, 0, NULL, &found) == 0)
		for (size_t i = 0; !rc && i < found.gl_pathc; i++)
			rc = read_ld_conf(root, found.gl_pathv[i] + skip, depth + 1, dirs, err);
	globfree(&found);
	return rc;
}

static int read_ld_conf(const struct kd_root *root, const char *path, unsigned int depth,
			struct kd_strv *dirs, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *text = NULL;
	KD_AUTO(kd_strv_fini) struct kd_strv lines = { 0 };

	/* No such file (static systems, Debian without it) or too deep: the defaults remain. */
	if (depth > MAX_CONF_DEPTH || !kd_root_exists(root, path))
		return 0;
	int rc = kd_root_read(root, path, MAX_CONF_BYTES, &text, NULL, err);
	if (!rc)
		rc = kd_strv_split(&lines, text, "\n", err);
	for (size_t i = 0; !rc && i < lines.n; i++) {
		char *line = lines.v[i];
		line[strcspn(line, "#")] = '\0';
		KD_AUTO(kd_strv_fini) struct kd_strv words = { 0 };
		rc = kd_strv_split(&words, line, " \t", err);
		if (rc || words.n == 0)
			continue;
		if (strcmp(words.v[0], "include") != 0)
			rc = kd_strv_add(dirs, words.v[0], err);
		else if (words.n > 1)
			rc = read_ld_conf_include(root, words.v[1], depth, dirs, err);
	}
	return rc;
}

static int library_dirs(const struct kd_root *root, struct kd_strv *dirs, struct kd_err *err)
{
	/* Debian's dynamic linker knows its multiarch directories without a configuration file. */
	static const char *const defaults[] = {
#if defined(__x86_64__)
		"/lib/x86_64-linux-gnu",
		"/usr/lib/x86_64-linux-gnu",
#elif defined(__aarch64__)
		"/lib/aarch64-linux-gnu",
		"/usr/lib/aarch64-linux-gnu",
#endif
		"/lib64",
		"/usr/lib64",
		"/lib",
		"/usr/lib",
	};
	int rc = read_ld_conf(root, "/etc/ld.so.conf", 0, dirs, err);

	for (size_t i = 0; !rc && i < KD_ARRAY_LEN(defaults); i++)
		rc = kd_strv_add(dirs, defaults[i], err);
	return rc;
}

/* Is there an object for the same machine at dir/name? A 32-bit twin is passed over. */
static bool fits(const struct kd_root *root, const char *path, int machine)
{
	struct wants w = { 0 };
	bool ok = kd_root_exists(root, path) && read_object(root, path, &w, NULL) == 0 &&
		  w.machine == machine;

	wants_fini(&w);
	return ok;
}

static int find_library(const struct kd_root *root, const char *name, const struct wants *by,
			const char *by_path, const struct kd_strv *dirs, char **ret,
			struct kd_err *err)
{
	const struct kd_strv *lists[] = { &by->run_dirs, dirs };

	if (name[0] == '/')
		return kd_strdup(ret, name, err);
	for (size_t l = 0; l < KD_ARRAY_LEN(lists); l++) {
		for (size_t i = 0; i < lists[l]->n; i++) {
			KD_AUTO(kd_freep) char *path = NULL;
			int rc = kd_asprintf(&path, err, "%s/%s", lists[l]->v[i], name);
			if (rc)
				return rc;
			if (fits(root, path, by->machine)) {
				*ret = KD_STEAL(path);
				return 0;
			}
		}
	}
	return kd_fail(err, KD_USAGE, "%s needs the library %s, which is nowhere: install it",
		       by_path, name);
}

static int add_once(struct kd_strv *files, const char *path, struct kd_err *err)
{
	if (kd_strv_has(files, path))
		return 0;
	if (files->n >= MAX_OBJECTS)
		return kd_fail(err, KD_BADDATA, "more than %d shared objects", MAX_OBJECTS);
	return kd_strv_add(files, path, err);
}

static int add_wants_of(const struct kd_root *root, const char *path, const struct kd_strv *dirs,
			struct kd_strv *files, struct kd_err *err)
{
	KD_AUTO(wants_fini) struct wants w = { 0 };
	int rc = read_object(root, path, &w, err);

	if (!rc && w.interp)
		rc = add_once(files, w.interp, err);
	for (size_t i = 0; !rc && i < w.needed.n; i++) {
		KD_AUTO(kd_freep) char *found = NULL;
		rc = find_library(root, w.needed.v[i], &w, path, dirs, &found, err);
		if (!rc)
			rc = add_once(files, found, err);
	}
	return rc;
}

int kd_elfdeps_collect(const struct kd_root *root, const char *path, struct kd_strv *files,
		       struct kd_err *err)
{
	KD_AUTO(kd_strv_fini) struct kd_strv dirs = { 0 };
	size_t next = files->n;
	int rc = library_dirs(root, &dirs, err);

	if (!rc)
		rc = add_wants_of(root, path, &dirs, files, err);
	/* What was added is a queue: its members' wants are added behind it. */
	for (; !rc && next < files->n; next++) {
		KD_AUTO(kd_freep) char *member = NULL;
		rc = kd_strdup(&member, files->v[next], err);
		if (!rc)
			rc = add_wants_of(root, member, &dirs, files, err);
	}
	return rc;
}
