/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The base image of a kernel; disk_case.c has what a case adds to it. */
#include "lab/disk.h"

#include "capture-initrd/build/elfdeps.h"
#include "lab/files.h"
#include "lab/image.h"
#include "lab/initrd.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

/* Room in the guest's disk for dumps, beside the system itself. */
enum { FREE_MIB = 3072 };

/* Change when the layout below changes in a way the inputs do not show. */
static const char layout_version[] = "2";

/* A file of the host and where it goes in the guest. */
struct part {
	char *from;
	char *to;
};

struct recipe {
	struct part v[96];
	size_t n;
	char *release;
	char *kernel_tree; /* build/lab/kernels/<name> */
	char *busybox;
	char *initrd_init;
};

static void recipe_fini(struct recipe *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->v[i].from);
		free(r->v[i].to);
	}
	free(r->release);
	free(r->kernel_tree);
	free(r->busybox);
	free(r->initrd_init);
}

static int add_part(struct recipe *r, const char *from, const char *to, struct kd_err *err)
{
	if (r->n == KD_ARRAY_LEN(r->v))
		return kd_fail(err, KD_NOTSUP, "the guest needs more than %zu files of the host",
			       KD_ARRAY_LEN(r->v));
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->v[i].to, to) == 0)
			return 0;
	struct part *p = &r->v[r->n++];
	*p = (struct part){ 0 };
	int rc = kd_strdup(&p->from, from, err);
	return rc ? rc : kd_strdup(&p->to, to, err);
}

/* A program and the shared objects it needs, these under the same path as on the host. */
static int add_program(struct recipe *r, const struct kd_root *host, const char *from,
		       const char *to, struct kd_err *err)
{
	KD_AUTO(kd_strv_fini) struct kd_strv needs = { 0 };
	int rc = kd_elfdeps_collect(host, from, &needs, err);

	if (rc)
		return kd_wrap(err, "libraries of %s", from);
	rc = add_part(r, from, to, err);
	for (size_t i = 0; !rc && i < needs.n; i++)
		rc = add_part(r, needs.v[i], needs.v[i], err);
	return rc;
}

static int add_built(struct recipe *r, const struct kd_lab_env *env, const struct kd_root *host,
		     const char *name, const char *to, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *path = NULL;
	int rc = kd_asprintf(&path, err, "%s/%s", env->build, name);

	if (rc)
		return rc;
	if (access(path, R_OK))
		return kd_fail(err, KD_NOTSUP, "%s does not exist; build it with make", path);
	return host ? add_program(r, host, path, to, err) : add_part(r, path, to, err);
}

/* Every program of lab/guest, as /usr/lib/lab/NAME. */
static int add_guest_programs(struct recipe *r, const struct kd_lab_env *env, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *path = NULL;
	KD_AUTO(kd_strv_fini) struct kd_strv names = { 0 };
	int rc = kd_asprintf(&path, err, "%s/lab/guest/bin", env->build);

	if (!rc)
		rc = kd_lab_list_dir(path, &names, err);
	for (size_t i = 0; !rc && i < names.n; i++) {
		KD_AUTO(kd_freep) char *from = NULL, *to = NULL;
		rc = kd_asprintf(&from, err, "%s/%s", path, names.v[i]);
		if (!rc)
			rc = kd_asprintf(&to, err, "/usr/lib/lab/%s", names.v[i]);
		if (!rc)
			rc = add_part(r, from, to, err);
	}
	return rc;
}

static void root_closep(struct kd_root **root)
{
	kd_root_close(*root);
}

static int make_recipe(const struct kd_lab_env *env, const char *kernel, struct recipe *r,
		       struct kd_err *err)
{
	KD_AUTO(root_closep) struct kd_root *host = NULL;
	KD_AUTO(kd_freep) char *collector = NULL;
	int rc = kd_root_open("/", &host, err);

	if (!rc)
		rc = kd_lab_env_release(env, kernel, &r->release, err);
	if (!rc)
		rc = kd_asprintf(&r->kernel_tree, err, "%s/lab/kernels/%s", env->build, kernel);
	if (!rc)
		rc = kd_lab_find_tool("busybox", "busybox-static", &r->busybox, err);
	if (!rc)
		rc = kd_lab_find_tool("makedumpfile", "makedumpfile", &collector, err);
	if (!rc)
		rc = kd_asprintf(&r->initrd_init, err, "%s/lab/guest/initrd-init", env->build);
	if (!rc)
		rc = add_part(r, r->busybox, "/usr/bin/busybox", err);
	if (!rc)
		rc = add_program(r, host, collector, "/usr/bin/makedumpfile", err);
	if (!rc)
		rc = add_built(r, env, host, "bin/kdumpctl", "/usr/sbin/kdumpctl", err);
	if (!rc)
		rc = add_built(r, env, host, "bin/kexecctl", "/usr/sbin/kexecctl", err);
	if (!rc)
		rc = add_built(r, env, NULL, "bin/kdump-init", "/usr/lib/kdumpkit/kdump-init", err);
	if (!rc)
		rc = add_built(r, env, NULL, "lab/guest/rc", "/usr/sbin/init", err);
	if (!rc)
		rc = add_guest_programs(r, env, err);
	return rc;
}

/*
 * What stands for the thousands of files of a kernel: its package's name with the
 * version, or, where we built it, the kernel itself and the index of its modules.
 */
static int kernel_key(const struct recipe *r, struct kd_buf *text, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *package = NULL, *image = NULL, *index = NULL;
	char one[KD_SHA256_HEX_BYTES];
	int rc = kd_asprintf(&package, err, "%s/package", r->kernel_tree);

	if (!rc && access(package, F_OK) == 0) {
		rc = kd_lab_hash_file(package, one, err);
		kd_buf_printf(text, "%s\n", one);
		return rc;
	}
	if (!rc)
		rc = kd_asprintf(&image, err, "%s/boot/vmlinuz-%s", r->kernel_tree, r->release);
	if (!rc)
		rc = kd_lab_hash_file(image, one, err);
	if (rc)
		return rc;
	kd_buf_printf(text, "%s\n", one);
	rc = kd_asprintf(&index, err, "%s/lib/modules/%s/modules.dep", r->kernel_tree, r->release);
	if (rc || access(index, F_OK))
		return rc;
	rc = kd_lab_hash_file(index, one, err);
	kd_buf_printf(text, "%s\n", one);
	return rc;
}

/* One hash over everything that goes into the base image and its initrd. */
static int recipe_key(const struct recipe *r, char hex[KD_SHA256_HEX_BYTES], struct kd_err *err)
{
	KD_AUTO(kd_buf_fini) struct kd_buf text = { 0 };
	char one[KD_SHA256_HEX_BYTES];
	int rc = kernel_key(r, &text, err);

	if (rc)
		return rc;
	kd_buf_printf(&text, "%s %s %d\n", layout_version, r->release, FREE_MIB);
	rc = kd_lab_hash_file(r->initrd_init, one, err);
	kd_buf_printf(&text, "%s\n", one);
	for (size_t i = 0; !rc && i < r->n; i++) {
		rc = kd_lab_hash_file(r->v[i].from, one, err);
		kd_buf_printf(&text, "%s %s\n", one, r->v[i].to);
	}
	if (!rc && text.bad)
		rc = kd_fail(err, KD_NOMEM, "no memory");
	if (!rc)
		kd_sha256_hex(text.p, text.len, hex);
	return rc;
}

static int stage_dirs(const char *tree, struct kd_err *err)
{
	static const char *const dirs[] = { "boot",	   "dev",	"etc/lab",
					    "mnt",	   "proc",	"root",
					    "run",	   "sys",	"tmp",
					    "usr/bin",	   "usr/sbin",	"usr/lib/modules",
					    "usr/lib64",   "var/crash", "var/lib/kdump",
					    "var/lib/lab", "var/tmp" };
	static const char *const links[] = { "bin", "sbin", "lib", "lib64" };
	int rc = 0;

	for (size_t i = 0; !rc && i < KD_ARRAY_LEN(dirs); i++) {
		KD_AUTO(kd_freep) char *path = NULL;
		rc = kd_asprintf(&path, err, "%s/%s", tree, dirs[i]);
		if (!rc)
			rc = kd_lab_mkdirs(path, err);
	}
	for (size_t i = 0; !rc && i < KD_ARRAY_LEN(links); i++) {
		KD_AUTO(kd_freep) char *path = NULL, *to = NULL;
		rc = kd_asprintf(&path, err, "%s/%s", tree, links[i]);
		if (!rc)
			rc = kd_asprintf(&to, err, "usr/%s", links[i]);
		if (!rc && symlink(to, path))
			rc = kd_fail_sys(err, errno, "create link %s", path);
	}
	return rc;
}

static int stage_applets(const struct recipe *r, const char *tree, struct kd_err *err)
{
	KD_AUTO(kd_strv_fini) struct kd_strv argv = { 0 }, names = { 0 };
	KD_AUTO(kd_buf_fini) struct kd_buf out = { 0 };
	int rc = kd_strv_add(&argv, r->busybox, err);

	if (!rc)
		rc = kd_strv_add(&argv, "--list", err);
	if (!rc)
		rc = kd_lab_exec(&argv, 10, &out, NULL, err);
	if (!rc)
		rc = kd_strv_split(&names, out.p ? out.p : "", "\n", err);
	for (size_t i = 0; !rc && i < names.n; i++) {
		KD_AUTO(kd_freep) char *path = NULL;
		rc = kd_asprintf(&path, err, "%s/usr/bin/%s", tree, names.v[i]);
		if (!rc && symlink("busybox", path) && errno != EEXIST)
			rc = kd_fail_sys(err, errno, "create link %s", path);
	}
	return rc;
}

static int stage_parts(const struct recipe *r, const char *tree, struct kd_err *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < r->n; i++) {
		KD_AUTO(kd_freep) char *path = NULL;
		rc = kd_asprintf(&path, err, "%s%s", tree, r->v[i].to);
		if (!rc)
			rc = kd_lab_mkdirs_for(path, err);
		if (!rc)
			rc = kd_lab_copy_file(r->v[i].from, path, err);
	}
	return rc;
}

/* A file of /boot or a directory of modules; what a kernel does not come with is left out. */
static int stage_kernel(const struct recipe *r, const char *tree, struct kd_err *err)
{
	static const struct {
		const char *name;
		bool needed;
	} files[] = { { "vmlinuz", true }, { "config", false } };
	KD_AUTO(kd_freep) char *from = NULL, *to = NULL;
	int rc = kd_asprintf(&from, err, "%s/lib/modules/%s", r->kernel_tree, r->release);

	if (!rc)
		rc = kd_asprintf(&to, err, "%s/usr/lib/modules/%s", tree, r->release);
	if (!rc && access(from, F_OK) == 0)
		rc = kd_lab_link_tree(from, to, err);
	for (size_t i = 0; !rc && i < KD_ARRAY_LEN(files); i++) {
		KD_AUTO(kd_freep) char *f = NULL, *t = NULL;
		rc = kd_asprintf(&f, err, "%s/boot/%s-%s", r->kernel_tree, files[i].name,
				 r->release);
		if (!rc)
			rc = kd_asprintf(&t, err, "%s/boot/%s-%s", tree, files[i].name, r->release);
		if (!rc && (files[i].needed || access(f, F_OK) == 0))
			rc = kd_lab_copy_file(f, t, err);
	}
	return rc;
}

static int stage_text(const char *tree, const char *name, const char *text, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *path = NULL;
	int rc = kd_asprintf(&path, err, "%s/%s", tree, name);

	return rc ? rc : kd_lab_write_file(path, text, strlen(text), 0644, err);
}

static void fts_closep(FTS **fts)
{
	if (*fts)
		fts_close(*fts);
}

/* What the staged files will take in the image: whole blocks and an inode each. */
static int tree_mib(const char *tree, uint64_t *ret, struct kd_err *err)
{
	char *const paths[] = { (char *)tree, NULL };
	KD_AUTO(fts_closep) FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	uint64_t bytes = 0;

	if (!fts)
		return kd_fail_sys(err, errno, "read %s", tree);
	for (FTSENT *e; (errno = 0, e = fts_read(fts));)
		if (e->fts_info == FTS_F || e->fts_info == FTS_D)
			bytes += ((uint64_t)e->fts_statp->st_size + 4095) / 4096 * 4096 + 256;
	if (errno)
		return kd_fail_sys(err, errno, "read %s", tree);
	*ret = bytes >> 20;
	return 0;
}

static int stage(const struct recipe *r, const char *tree, struct kd_err *err)
{
	int rc = stage_dirs(tree, err);

	if (!rc)
		rc = stage_parts(r, tree, err);
	if (!rc)
		rc = stage_applets(r, tree, err);
	if (!rc)
		rc = stage_kernel(r, tree, err);
	if (!rc)
		rc = stage_text(tree, "etc/hostname", "lab\n", err);
	if (!rc)
		rc = stage_text(tree, "etc/passwd", "root::0:0:root:/root:/bin/sh\n", err);
	if (!rc)
		rc = stage_text(tree, "etc/group", "root:x:0:\n", err);
	if (!rc)
		rc = stage_text(tree, "etc/fstab", "/dev/vda / ext4 defaults 0 1\n", err);
	return rc;
}

static int make_base(const struct recipe *r, const char *image, const char *initrd,
		     const char *tree, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *moddir = NULL, *part = NULL;
	uint64_t mib = 0;
	int rc = kd_lab_remove_tree(tree, err);

	if (!rc)
		rc = stage(r, tree, err);
	if (!rc)
		rc = tree_mib(tree, &mib, err);
	if (!rc)
		rc = kd_asprintf(&moddir, err, "%s/lib/modules/%s", r->kernel_tree, r->release);
	if (!rc)
		rc = kd_lab_initrd_write(initrd, r->busybox, r->initrd_init, moddir, err);
	if (!rc)
		rc = kd_asprintf(&part, err, "%s.part", image);
	if (!rc && unlink(part) && errno != ENOENT)
		rc = kd_fail_sys(err, errno, "remove %s", part);
	if (!rc)
		rc = kd_lab_image_make(part, mib + FREE_MIB, tree, "kdlab",
				       "6b646c61-6200-4000-8000-000000000001", err);
	if (!rc && rename(part, image))
		rc = kd_fail_sys(err, errno, "rename %s", part);
	return rc ? rc : kd_lab_remove_tree(tree, err);
}

static bool key_matches(const char *key_path, const char *hex)
{
	KD_AUTO(kd_freep) char *text = NULL;
	KD_AUTO(kd_closep) int fd = open(key_path, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && kd_read_all(fd, 256, &text, NULL, key_path, NULL) == 0 &&
	       strcmp(text, hex) == 0;
}

/* Two labs at once must not make the same image; the lock goes with the descriptor. */
static int lock_base(const char *dir, int *fd_ret, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *path = NULL;
	int rc = kd_asprintf(&path, err, "%s/lock", dir);

	if (rc)
		return rc;
	*fd_ret = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (*fd_ret < 0 || flock(*fd_ret, LOCK_EX))
		return kd_fail_sys(err, errno, "lock %s", path);
	return 0;
}

static int check_busybox(const struct recipe *r, const struct kd_root *host, struct kd_err *err)
{
	KD_AUTO(kd_strv_fini) struct kd_strv needs = { 0 };
	int rc = kd_elfdeps_collect(host, r->busybox, &needs, err);

	if (!rc && needs.n > 0)
		rc = kd_fail(err, KD_NOTSUP,
			     "%s is not static; install busybox-static (scripts/setup does)",
			     r->busybox);
	return rc;
}

int kd_lab_disk_base(const struct kd_lab_env *env, const char *kernel, char **image_ret,
		     char **initrd_ret, struct kd_err *err)
{
	KD_AUTO(recipe_fini) struct recipe r = { 0 };
	KD_AUTO(root_closep) struct kd_root *host = NULL;
	KD_AUTO(kd_freep)
	char *dir = NULL, *image = NULL, *initrd = NULL, *key = NULL, *tree = NULL;
	KD_AUTO(kd_closep) int lock = -1;
	char hex[KD_SHA256_HEX_BYTES];
	int rc = kd_root_open("/", &host, err);

	if (!rc)
		rc = make_recipe(env, kernel, &r, err);
	if (!rc)
		rc = check_busybox(&r, host, err);
	if (!rc)
		rc = recipe_key(&r, hex, err);
	if (!rc)
		rc = kd_asprintf(&dir, err, "%s/lab/base/%s", env->build, kernel);
	if (!rc)
		rc = kd_lab_mkdirs(dir, err);
	if (!rc)
		rc = lock_base(dir, &lock, err);
	if (!rc)
		rc = kd_asprintf(&image, err, "%s/disk.img", dir);
	if (!rc)
		rc = kd_asprintf(&initrd, err, "%s/initrd.img", dir);
	if (!rc)
		rc = kd_asprintf(&key, err, "%s/key", dir);
	if (!rc)
		rc = kd_asprintf(&tree, err, "%s/tree", dir);
	if (rc)
		return rc;
	if (!key_matches(key, hex)) {
		rc = make_base(&r, image, initrd, tree, err);
		if (!rc)
			rc = kd_lab_write_file(key, hex, strlen(hex), 0644, err);
		if (rc)
			return kd_wrap(err, "making the base image of the %s kernel", kernel);
	}
	*image_ret = KD_STEAL(image);
	*initrd_ret = KD_STEAL(initrd);
	return 0;
}
