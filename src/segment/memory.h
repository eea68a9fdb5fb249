/*
 * memory.h - the memory of a build, and dynamic shared memory whose allocation may fail
 */
#ifndef VECTOR_SEGMENT_MEMORY_H
#define VECTOR_SEGMENT_MEMORY_H

#include "pg_compat.h"

#include "storage/dsm.h"
#include "utils/resowner.h"

/* The bytes that a build or a merge may use: maintenance_work_mem, or autovacuum's own limit. */
extern Size build_memory(void);

/* A segment of this size, owned by the current resource owner; NULL if there is no room for it. */
extern dsm_segment *shared_memory_try(Size size);

/* Gives back what a resource owner, made for memory that may be refused, still has; deletes it. */
extern void shared_memory_end_owner(ResourceOwner owner);

/* Whether there is room for this many bytes at the moment. */
extern bool shared_memory_has(Size size);

#endif							/* VECTOR_SEGMENT_MEMORY_H */
