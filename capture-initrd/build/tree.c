/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "capture-initrd/build/internal.h"

#include <string.h>
#include <sys/stat.h>

void kd_image_tree_fini(struct kd_image_tree *tree)
{
	for (size_t i = 0; i < tree->count; i++) {
		free(tree->entries[i].path);
		kd_buf_fini(&tree->entries[i].data);
	}
	free(tree->entries);
	*tree = (struct kd_image_tree){ 0 };
}

static bool has(const struct kd_image_tree *tree, const char *path)
{
	for (size_t i = 0; i < tree->count; i++)
		if (strcmp(tree->entries[i].path, path) == 0)
			return true;
	return false;
}

static int append(struct kd_image_tree *tree, const char *path, mode_t mode,
		  struct kd_buf *data_to_take, struct kd_err *err)
{
	struct kd_image_entry *grown = reallocarray(tree->entries, tree->count + 1, sizeof(*grown));

	if (!grown)
		return kd_fail(err, KD_NOMEM, "no memory for the image's list of files");
	tree->entries = grown;

	struct kd_image_entry entry = { .mode = mode };
	int rc = kd_strdup(&entry.path, path, err);
	if (rc)
		return rc;
	if (data_to_take) {
		entry.data = *data_to_take;
		*data_to_take = (struct kd_buf){ 0 };
	}
	tree->entries[tree->count++] = entry;
	return 0;
}

int kd_image_tree_add(struct kd_image_tree *tree, const char *path, mode_t mode,
		      struct kd_buf *data_to_take, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *parent = NULL;
	int rc = kd_strdup(&parent, path, err);

	if (rc || has(tree, path))
		return rc;
	for (char *slash = strchr(parent + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (!has(tree, parent))
			rc = append(tree, parent, S_IFDIR | 0755, NULL, err);
		*slash = '/';
		if (rc)
			return rc;
	}
	return append(tree, path, mode, data_to_take, err);
}

static int by_path(const void *a, const void *b)
{
	const struct kd_image_entry *left = a, *right = b;

	return strcmp(left->path, right->path);
}

void kd_image_tree_sort(struct kd_image_tree *tree)
{
	if (tree->count)
		qsort(tree->entries, tree->count, sizeof(*tree->entries), by_path);
}
