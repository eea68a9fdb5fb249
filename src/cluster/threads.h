/*
 * threads.h - a piece of work by several threads that end with it
 *
 * There are no threads between two pieces, so the caller may leave by longjmp there.
 */
#ifndef VECTOR_CLUSTER_THREADS_H
#define VECTOR_CLUSTER_THREADS_H

#include <stdint.h>

#define CLUSTER_MAX_THREADS	64

/*
 * Calls work(arg, thread) once for each thread below `threads` (at most CLUSTER_MAX_THREADS) and
 * returns when all have returned.  Thread 0 is the caller's; the others handle no signal.  Where
 * the system gives no thread, the caller's does the part.
 */
extern void cluster_parallel(uint32_t threads, void (*work) (void *arg, uint32_t thread),
							 void *arg);

#endif							/* VECTOR_CLUSTER_THREADS_H */
