/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cleanup by scope. KD_AUTO(fn) releases a variable when its scope ends, which
 * means "give up": success is always spelled out (fsync, close and rename can
 * fail). KD_STEAL(p) hands the value on and disarms the cleanup.
 */
#ifndef KD_LIB_BASE_CLEANUP_H
#define KD_LIB_BASE_CLEANUP_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define KD_AUTO(fn) __attribute__((cleanup(fn)))

#define KD_STEAL(p)                                                                                \
	({                                                                                         \
		__auto_type kd_stolen_ = (p);                                                      \
		(p) = NULL;                                                                        \
		kd_stolen_;                                                                        \
	})

#define KD_STEAL_FD(fd)                                                                            \
	({                                                                                         \
		int kd_stolen_ = (fd);                                                             \
		(fd) = -1;                                                                         \
		kd_stolen_;                                                                        \
	})

#define KD_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* For KD_AUTO: each takes a pointer to the variable. */
static inline void kd_freep(void *p)
{
	free(*(void **)p);
}

static inline void kd_closep(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void kd_fclosep(FILE **f)
{
	if (*f)
		fclose(*f);
}

static inline void kd_closedirp(DIR **d)
{
	if (*d)
		closedir(*d);
}

#endif
