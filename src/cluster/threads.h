/*
 * threads.h - runs a piece of work in several threads, which end with it
 *
 * Between two pieces there are no threads, so the caller may leave by longjmp there.
 */
#ifndef VECTOR_CLUSTER_THREADS_H
#define VECTOR_CLUSTER_THREADS_H

#include <stdint.h>

#define CLUSTER_MAX_THREADS	64

/*
 * Calls work(arg, thread) once for each thread below `threads` (at most CLUSTER_MAX_THREADS) and
 * returns when all have returned.  Thread 0 is the caller's; the others handle no signals.  If the
 * system does not create a thread, the caller's thread does its part.
 */
extern void cluster_parallel(uint32_t threads, void (*work) (void *arg, uint32_t thread),
							 void *arg);

#endif							/* VECTOR_CLUSTER_THREADS_H */
