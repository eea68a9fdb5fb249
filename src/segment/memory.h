/*
 * memory.h - the memory of a build
 */
#ifndef VECTOR_SEGMENT_MEMORY_H
#define VECTOR_SEGMENT_MEMORY_H

#include "pg_compat.h"

/* The bytes that a build or a merge may use: maintenance_work_mem, or autovacuum's own limit. */
extern Size build_memory(void);

#endif							/* VECTOR_SEGMENT_MEMORY_H */
