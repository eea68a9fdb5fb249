/*
 * guard.h - memory that faults on access past its end
 */
#ifndef VECTOR_TEST_GUARD_H
#define VECTOR_TEST_GUARD_H

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* The end of at least this many bytes; the last one is followed by a page that faults. */
static inline uint8_t *
guarded_end(size_t bytes)
{
	size_t		page = (size_t) sysconf(_SC_PAGESIZE);
	size_t		size = (bytes / page + 2) * page;
	uint8_t    *memory = mmap(NULL, size + page, PROT_READ | PROT_WRITE,
							  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED || mprotect(memory + size, page, PROT_NONE) != 0)
		abort();
	return memory + size;
}

#endif							/* VECTOR_TEST_GUARD_H */
