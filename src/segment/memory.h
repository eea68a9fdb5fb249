/*
 * memory.h - what a build may take, and dynamic shared memory that may be refused
 */
#ifndef VECTOR_SEGMENT_MEMORY_H
#define VECTOR_SEGMENT_MEMORY_H

#include "pg_compat.h"

#include "storage/dsm.h"
#include "utils/resowner.h"

/* Bytes that a build or a merge may take: maintenance_work_mem, or what autovacuum has instead. */
extern Size build_memory(void);

/* A segment of so many bytes, the current resource owner's; NULL where there is no room for it. */
extern dsm_segment *shared_memory_try(Size size);

/* Gives back what a resource owner, made for memory that may be refused, still has; deletes it. */
extern void shared_memory_end_owner(ResourceOwner owner);

/* Whether there is room for so many bytes, at the time. */
extern bool shared_memory_has(Size size);

#endif							/* VECTOR_SEGMENT_MEMORY_H */
