/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/vmcore/vt.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

int vt_input_open(char *const paths[], size_t n, struct vt_input *ret, struct kd_err *err)
{
	*ret = (struct vt_input){ .fds = calloc(n, sizeof(int)) };
	if (!ret->fds)
		return kd_fail(err, KD_NOMEM, "no memory for %zu files", n);
	for (; ret->n < n; ret->n++) {
		const char *path = paths[ret->n];
		struct stat st;
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return kd_fail_sys(err, errno, "open %s", path);
		ret->fds[ret->n] = fd;
		if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
			ret->n++;
			return kd_fail(err, KD_USAGE, "%s is a directory: name the dump in it",
				       path);
		}
	}
	return kd_vmcore_open_set(ret->fds, (const char *const *)paths, n, vt_log(), &ret->core,
				  err);
}

bool vt_input_is_file(const struct vt_input *in)
{
	struct stat st;

	return fstat(in->fds[0], &st) == 0 && S_ISREG(st.st_mode);
}

void vt_input_fini(struct vt_input *in)
{
	kd_vmcore_close(in->core);
	for (size_t i = 0; i < in->n; i++)
		close(in->fds[i]);
	free(in->fds);
	*in = (struct vt_input){ 0 };
}

static int open_stdout(bool flattened, struct vt_output *out, struct kd_err *err)
{
	if (!flattened)
		return kd_fail(err, KD_USAGE,
			       "standard output takes only the flattened format: add -F, or name "
			       "an output file");
	if (isatty(STDOUT_FILENO))
		return kd_fail(err, KD_USAGE,
			       "standard output is a terminal: send the dump to a file or a pipe");
	out->is_stdout = true;
	return kd_sink_open_stream(STDOUT_FILENO, "standard output", &out->sink, err);
}

/* A device or a pipe: it was there before us and stays. */
static int open_special(const char *path, mode_t mode, bool direct, struct vt_output *out,
			struct kd_err *err)
{
	bool stream = S_ISFIFO(mode) || S_ISSOCK(mode);

	out->fd = open(path, (stream ? O_WRONLY : O_RDWR) | O_CLOEXEC | O_NOCTTY);
	if (out->fd < 0)
		return kd_fail_sys(err, errno, "open %s", path);
	return stream ? kd_sink_open_stream(out->fd, path, &out->sink, err)
		      : kd_sink_open_fd(out->fd, path, direct ? KD_SINK_DIRECT : 0, &out->sink,
					err);
}

static int open_new(const char *path, bool direct, struct vt_output *out, struct kd_err *err)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	unsigned int flags = KD_SINK_EAGER | KD_SINK_DROP | (direct ? KD_SINK_DIRECT : 0);
	KD_AUTO(kd_freep) char *dir = NULL;
	/* "/x" is in "/", "x" is in "." */
	int rc = slash ? kd_asprintf(&dir, err, "%.*s", slash == path ? 1 : (int)(slash - path),
				     path)
		       : kd_strdup(&dir, ".", err);
	if (rc)
		return rc;
	out->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (out->dir_fd < 0)
		return kd_fail_sys(err, errno, "open the directory %s", dir);
	rc = kd_sink_open_file(out->dir_fd, name, flags, &out->sink, err);
	return rc && slash ? kd_wrap(err, "in %s", dir) : rc;
}

int vt_output_open(const char *path, bool flattened, bool direct, struct vt_output *ret,
		   struct kd_err *err)
{
	struct stat st;

	*ret = (struct vt_output){ .dir_fd = -1, .fd = -1 };
	if (!path || strcmp(path, "-") == 0)
		return open_stdout(flattened, ret, err);
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return kd_fail(err, KD_USAGE, "%s is a directory: name a file in it", path);
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return open_special(path, st.st_mode, direct, ret, err);
	return open_new(path, direct, ret, err);
}

void vt_output_fini(struct vt_output *out)
{
	kd_sink_abort(out->sink);
	if (out->dir_fd >= 0)
		close(out->dir_fd);
	if (out->fd >= 0)
		close(out->fd);
	*out = (struct vt_output){ .dir_fd = -1, .fd = -1 };
}
