/*
 * temporary.h - reading temporary files that hold records
 */
#ifndef VECTOR_SEGMENT_TEMPORARY_H
#define VECTOR_SEGMENT_TEMPORARY_H

#include "pg_compat.h"

#include "storage/buffile.h"

extern void temporary_rewind(BufFile *file);

/* Reads this many bytes; raises an error if there are fewer. */
extern void temporary_read(BufFile *file, void *out, Size size);

/* Reads the head of the next record; false at the end of the file. */
extern bool temporary_read_head(BufFile *file, void *head, Size size);

#endif							/* VECTOR_SEGMENT_TEMPORARY_H */
