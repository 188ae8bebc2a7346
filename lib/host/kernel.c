/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The running kernel and its first processor. */
#include "lib/host/internal.h"

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

enum { MAX_CMDLINE_BYTES = 64 << 10, MAX_CPUINFO_BYTES = 64 << 20 };

static int read_cmdline(const struct kd_root *root, char **ret, struct kd_err *err)
{
	size_t len = 0;
	int rc = kd_root_read(root, "/proc/cmdline", MAX_CMDLINE_BYTES, ret, &len, err);

	if (!rc && len > 0 && (*ret)[len - 1] == '\n')
		(*ret)[len - 1] = '\0';
	return rc;
}

static int names_of_host(struct kd_host_kernel *k, struct kd_err *err)
{
	struct utsname uts = { 0 };

	if (uname(&uts))
		return kd_fail_sys(err, errno, "uname");
	int rc = kd_strdup(&k->release, uts.release, err);
	return rc ? rc : kd_strdup(&k->machine, uts.machine, err);
}

static int names_of_tree(const struct kd_root *root, struct kd_host_kernel *k, struct kd_err *err)
{
	int rc = kd_root_read_line(root, "/proc/sys/kernel/osrelease", &k->release, err);

	if (!rc && !*k->release)
		rc = kd_fail(err, KD_BADDATA, "%s/proc/sys/kernel/osrelease is empty",
			     kd_root_prefix(root));
	/* Only newer kernels have this file. */
	if (!rc)
		rc = kd_host_try_line(root, "/proc/sys/kernel", "arch", &k->machine, err);
	if (!rc && !k->machine)
		rc = kd_strdup(&k->machine, "", err);
	return rc;
}

int kd_host_uname(const struct kd_root *root, struct kd_host_kernel *ret, struct kd_err *err)
{
	KD_AUTO(kd_host_kernel_fini) struct kd_host_kernel k = { 0 };
	int rc = kd_root_is_host(root) ? names_of_host(&k, err) : names_of_tree(root, &k, err);

	if (!rc)
		rc = read_cmdline(root, &k.cmdline, err);
	if (rc)
		return rc;
	*ret = k;
	k = (struct kd_host_kernel){ 0 };
	return 0;
}

void kd_host_kernel_fini(struct kd_host_kernel *kernel)
{
	free(kernel->release);
	free(kernel->machine);
	free(kernel->cmdline);
	*kernel = (struct kd_host_kernel){ 0 };
}

/* "initial apicid\t: 2" -> "2", where the part before the colon is @key; else NULL. */
static const char *value_of(const char *line, const char *key)
{
	size_t len = strlen(key);

	if (strncmp(line, key, len) != 0)
		return NULL;
	line += len;
	line += strspn(line, " \t");
	if (*line != ':')
		return NULL;
	return line + 1 + strspn(line + 1, " \t");
}

int kd_host_cpu0_apicid(const struct kd_root *root, struct kd_host_number *ret, struct kd_err *err)
{
	static const char path[] = "/proc/cpuinfo";
	KD_AUTO(kd_freep) char *text = NULL;
	struct kd_host_number found = { 0 };
	bool on_cpu0 = false;
	char *save = NULL;
	int rc = kd_root_read(root, path, MAX_CPUINFO_BYTES, &text, NULL, err);

	if (rc)
		return rc;
	for (char *line = strtok_r(text, "\n", &save); line && !found.known;
	     line = strtok_r(NULL, "\n", &save)) {
		const char *processor = value_of(line, "processor");
		const char *apicid = value_of(line, "initial apicid");
		if (processor)
			on_cpu0 = strcmp(processor, "0") == 0;
		if (!apicid || !on_cpu0)
			continue;
		rc = kd_parse_u64(apicid, &found.value, err);
		if (rc)
			return kd_wrap(err, "%s%s: initial apicid of processor 0",
				       kd_root_prefix(root), path);
		found.known = true;
	}
	*ret = found;
	return 0;
}
