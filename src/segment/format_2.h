/*
 * format_2.h - the directory of format version 2
 *
 * What else version 2 has is read as version 3: fields that its headers do not have are zero there.
 */
#ifndef VECTOR_SEGMENT_FORMAT_2_H
#define VECTOR_SEGMENT_FORMAT_2_H

#include "segment/format.h"

/* Makes a directory of version 2, in PAYLOAD_SIZE bytes, one of this version. */
extern void directory_convert_2(Directory *directory);

#endif							/* VECTOR_SEGMENT_FORMAT_2_H */
