/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows of the table. */
#ifndef KD_LIB_COMPRESS_INTERNAL_H
#define KD_LIB_COMPRESS_INTERNAL_H

#include "lib/compress/compress.h"

extern const struct kd_codec kd_codec_none;
extern const struct kd_codec kd_codec_zlib;
extern const struct kd_codec kd_codec_lzo;
extern const struct kd_codec kd_codec_snappy;
extern const struct kd_codec kd_codec_zstd;

#endif
