/*
 * format_2.h - the directory of format version 2
 *
 * Everything else of version 2 is read as version 3: fields that its headers do not have are zero.
 */
#ifndef VECTOR_SEGMENT_FORMAT_2_H
#define VECTOR_SEGMENT_FORMAT_2_H

#include "segment/format.h"

/* Converts a directory of version 2, in PAYLOAD_SIZE bytes, to this version. */
extern void directory_convert_2(Directory *directory);

#endif							/* VECTOR_SEGMENT_FORMAT_2_H */
