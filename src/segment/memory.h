/*
 * memory.h - the memory of a build, and of a payload
 */
#ifndef VECTOR_SEGMENT_MEMORY_H
#define VECTOR_SEGMENT_MEMORY_H

#include "pg_compat.h"

#include "cluster/kmeans.h"

/* The bytes that a build or a merge may use: maintenance_work_mem, or autovacuum's own limit. */
extern Size build_memory(void);

/* Memory of a context, for what is trained without PostgreSQL. */
extern ClusterMemory cluster_memory(MemoryContext context);

/* Memory for one payload at a time, which grows as needed; zeros at first. */
typedef struct PayloadMemory
{
	char	   *payload;
	Size		size;
} PayloadMemory;

/* Makes room for a payload, in the current memory context the first time; returns the place. */
extern char *payload_reserve(PayloadMemory *memory, Size size);

#endif							/* VECTOR_SEGMENT_MEMORY_H */
