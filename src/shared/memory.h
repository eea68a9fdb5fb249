/*
 * memory.h - dynamic shared memory whose allocation may fail
 */
#ifndef VECTOR_SHARED_MEMORY_H
#define VECTOR_SHARED_MEMORY_H

#include "pg_compat.h"

#include "storage/dsm.h"
#include "utils/resowner.h"

/* A segment of this size, owned by the current resource owner; NULL if there is no room for it. */
extern dsm_segment *shared_memory_try(Size size);

/*
 * Likewise, for all processes until dsm_unpin_segment, and for this one until dsm_detach; and such
 * a segment in another process: NULL, if it is gone or there is no room.
 */
extern dsm_segment *shared_memory_make(Size size);
extern dsm_segment *shared_memory_attach(dsm_handle handle);

/* Gives back what a resource owner, made for memory that may be refused, still has; deletes it. */
extern void shared_memory_end_owner(ResourceOwner owner);

/* Whether there is room for this many bytes at the moment. */
extern bool shared_memory_has(Size size);

#endif							/* VECTOR_SHARED_MEMORY_H */
