/*
 * threads.c - starting threads and waiting for them
 */
#include "cluster/threads.h"

#include <pthread.h>
#include <signal.h>

typedef struct Part
{
	void		(*work) (void *arg, uint32_t thread);
	void	   *arg;
	uint32_t	number;
	pthread_t	thread;
} Part;

static void *
run_thread(void *arg)
{
	const Part *part = arg;

	part->work(part->arg, part->number);
	return NULL;
}

void
cluster_parallel(uint32_t threads, void (*work) (void *arg, uint32_t thread), void *arg)
{
	Part		parts[CLUSTER_MAX_THREADS];
	uint32_t	started = 1;
	sigset_t	all;
	sigset_t	before;

	if (threads > 1)
	{
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &before);
		for (; started < threads; started++)
		{
			Part	   *part = &parts[started];

			*part = (Part) {.work = work, .arg = arg, .number = started};
			if (pthread_create(&part->thread, NULL, run_thread, part) != 0)
				break;
		}
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	}
	work(arg, 0);
	for (uint32_t i = started; i < threads; i++)
		work(arg, i);
	for (uint32_t i = 1; i < started; i++)
		pthread_join(parts[i].thread, NULL);
}
