/*
 * jobs.c - the table of jobs, and starting of workers
 */
#include "worker/jobs.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#if PG_VERSION_NUM >= 170000
#include "storage/dsm_registry.h"
#endif

#define MAX_JOBS		64

/* A job that failed is not tried again for so long; one that is being started, is by then. */
#define RETRY_MS		10000

typedef struct JobTable
{
	int			tranche;
	LWLock		lock;
	Job			jobs[MAX_JOBS];
} JobTable;

int			jobs_max_workers;

static JobTable *table;
static Job *own;				/* this worker's */

static void
init_table(JobTable *new_table)
{
	memset(new_table, 0, sizeof(*new_table));
	new_table->tranche = new_tranche_id("vector_jobs");
	LWLockInitialize(&new_table->lock, new_table->tranche);
}

#if PG_VERSION_NUM >= 190000
static void
init_segment(void *pointer, void *arg)
{
	init_table(pointer);
}
#elif PG_VERSION_NUM >= 170000
static void
init_segment(void *pointer)
{
	init_table(pointer);
}
#endif

/*
 * Attaches to the table.  Before version 17 it lies in the main shared memory, which keeps some
 * room for what was not asked for at the start.
 */
static void
attach(void)
{
	bool		found;

	if (table != NULL)
		return;
#if PG_VERSION_NUM >= 190000
	table = GetNamedDSMSegment("vector_jobs", sizeof(JobTable), init_segment, &found, NULL);
#elif PG_VERSION_NUM >= 170000
	table = GetNamedDSMSegment("vector_jobs", sizeof(JobTable), init_segment, &found);
#else
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	table = ShmemInitStruct("vector_jobs", sizeof(JobTable), &found);
	if (!found)
		init_table(table);
	LWLockRelease(AddinShmemInitLock);
#endif
	register_tranche(table->tranche, "vector_jobs");
}

#if PG_VERSION_NUM < 170000
static shmem_request_hook_type previous_shmem_request_hook;

static void
request_memory(void)
{
	if (previous_shmem_request_hook)
		previous_shmem_request_hook();
	RequestAddinShmemSpace(MAXALIGN(sizeof(JobTable)));
}
#endif

void
jobs_preload(void)
{
#if PG_VERSION_NUM < 170000
	previous_shmem_request_hook = shmem_request_hook;
	shmem_request_hook = request_memory;
#endif
}

static void
set_state(Job *job, JobState state)
{
	job->state = state;
	job->since = GetCurrentTimestamp();
}

static Job *
find_job(Oid database, Oid index)
{
	for (int i = 0; i < MAX_JOBS; i++)
		if (table->jobs[i].state != JOB_FREE && table->jobs[i].database == database &&
			table->jobs[i].index == index)
			return &table->jobs[i];
	return NULL;
}

/* A place for a new job: a free one, or that of the oldest error. */
static Job *
new_job(void)
{
	Job		   *oldest = NULL;

	for (int i = 0; i < MAX_JOBS; i++)
	{
		Job		   *job = &table->jobs[i];

		if (job->state == JOB_FREE)
			return job;
		if (job->state == JOB_FAILED && (oldest == NULL || job->failed < oldest->failed))
			oldest = job;
	}
	return oldest;
}

static bool
is_recent(TimestampTz time)
{
	return !TimestampDifferenceExceeds(time, GetCurrentTimestamp(), RETRY_MS);
}

/* Whether a worker is at a job, or on its way. */
static bool
has_worker(const Job *job)
{
	return job->state == JOB_RUNNING || (job->state == JOB_STARTING && is_recent(job->since));
}

static int
workers(void)
{
	int			n = 0;

	for (int i = 0; i < MAX_JOBS; i++)
		n += has_worker(&table->jobs[i]);
	return n;
}

void
jobs_describe_process(BackgroundWorker *worker, const char *name, const char *function)
{
	memset(worker, 0, sizeof(*worker));
	worker->bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker->bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker->bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker->bgw_library_name, "vector", sizeof(worker->bgw_library_name));
	strlcpy(worker->bgw_function_name, function, sizeof(worker->bgw_function_name));
	strlcpy(worker->bgw_name, name, sizeof(worker->bgw_name));
	strlcpy(worker->bgw_type, name, sizeof(worker->bgw_type));
}

/* Starts a worker for a job that is marked so; false if the server has no slot for it. */
static bool
start_worker(int slot)
{
	BackgroundWorker worker;

	jobs_describe_process(&worker, "vector worker", "vector_worker_main");
#ifdef BGWORKER_INTERRUPTIBLE
	worker.bgw_flags |= BGWORKER_INTERRUPTIBLE;
#endif
	worker.bgw_main_arg = Int32GetDatum(slot);
	return RegisterDynamicBackgroundWorker(&worker, NULL);
}

/* Marks a job as one that a worker is started for, if there may be another worker. */
static bool
mark_starting(Job *job)
{
	if (workers() >= jobs_max_workers)
		return false;
	set_state(job, JOB_STARTING);
	return true;
}

/* Starts a worker for a job that was marked; else nobody will come for it. */
static bool
start_marked(Job *job)
{
	if (start_worker((int) (job - table->jobs)))
		return true;
	LWLockAcquire(&table->lock, LW_EXCLUSIVE);
	if (job->state == JOB_STARTING)
		set_state(job, job->error[0] ? JOB_FAILED : JOB_FREE);
	LWLockRelease(&table->lock);
	return false;
}

bool
jobs_request(Oid database, Oid index)
{
	Job		   *job;
	bool		start = false;
	bool		accepted = true;

	if (jobs_max_workers == 0)
		return false;
	attach();
	LWLockAcquire(&table->lock, LW_EXCLUSIVE);
	job = find_job(database, index);
	if (job != NULL && has_worker(job))
		job->again = true;
	else if (job == NULL || job->state != JOB_FAILED || !is_recent(job->failed))
	{
		if (job == NULL)
		{
			job = new_job();
			if (job != NULL)
				*job = (Job) {.database = database, .index = index};
		}
		accepted = job != NULL;
		if (accepted)
		{
			start = mark_starting(job);
			if (!start)
				set_state(job, JOB_WAITING);
		}
	}
	LWLockRelease(&table->lock);
	return start ? start_marked(job) : accepted;
}

void
jobs_start_waiting(void)
{
	attach();
	for (int i = 0; i < MAX_JOBS; i++)
	{
		Job		   *job = &table->jobs[i];
		bool		start;

		LWLockAcquire(&table->lock, LW_EXCLUSIVE);
		start = (job->state == JOB_WAITING ||
				 (job->state == JOB_FAILED && !is_recent(job->failed)) ||
				 (job->state == JOB_STARTING && !is_recent(job->since))) && mark_starting(job);
		LWLockRelease(&table->lock);
		if (start && !start_marked(job))
			return;
	}
}

/* Makes a job this worker's. */
static void
take(Job *job)
{
	own = job;
	set_state(job, JOB_RUNNING);
	job->pid = MyProcPid;
	job->again = false;
	job->phase = JOB_IDLE;
	job->done = job->total = 0;
}

/* The worker has no more to do with its job. */
static void
leave(void)
{
	own->pid = 0;
	own->phase = JOB_IDLE;
	set_state(own, own->error[0] ? JOB_FAILED : JOB_FREE);
	own = NULL;
}

/* At the exit of a worker that did not come to an end of its own. */
static void
leave_at_exit(int code, Datum arg)
{
	if (own == NULL)
		return;
	LWLockAcquire(&table->lock, LW_EXCLUSIVE);
	leave();
	LWLockRelease(&table->lock);
}

bool
jobs_begin(int slot, Oid *database, Oid *index)
{
	Job		   *job;

	attach();
	job = &table->jobs[slot];
	LWLockAcquire(&table->lock, LW_EXCLUSIVE);
	if (job->state == JOB_STARTING)
		take(job);
	LWLockRelease(&table->lock);
	if (own == NULL)
		return false;
	before_shmem_exit(leave_at_exit, 0);
	*database = own->database;
	*index = own->index;
	return true;
}

bool
jobs_is_wanted(void)
{
	bool		wanted;

	LWLockAcquire(&table->lock, LW_SHARED);
	wanted = own->again;
	for (int i = 0; i < MAX_JOBS && !wanted; i++)
		wanted = table->jobs[i].state == JOB_WAITING;
	LWLockRelease(&table->lock);
	return wanted;
}

bool
jobs_next(Oid *index)
{
	int			last = (int) (own - table->jobs);
	Oid			database = own->database;
	bool		again;

	LWLockAcquire(&table->lock, LW_EXCLUSIVE);
	again = own->again;
	leave();
	if (again)
		set_state(&table->jobs[last], JOB_WAITING);
	for (int i = 1; i <= MAX_JOBS && own == NULL; i++)
	{
		Job		   *job = &table->jobs[(last + i) % MAX_JOBS];

		if (job->state == JOB_WAITING && job->database == database)
			take(job);
	}
	LWLockRelease(&table->lock);
	if (own == NULL)
		return false;
	*index = own->index;
	return true;
}

void
jobs_report_phase(JobPhase phase)
{
	LWLockAcquire(&table->lock, LW_EXCLUSIVE);
	if (own->phase != phase)
		own->since = GetCurrentTimestamp();
	own->phase = phase;
	own->step = 0;
	own->done = own->total = 0;
	LWLockRelease(&table->lock);
}

void
jobs_report_step(int step, uint64 done, uint64 total)
{
	LWLockAcquire(&table->lock, LW_EXCLUSIVE);
	own->step = step;
	own->done = done;
	own->total = total;
	LWLockRelease(&table->lock);
}

void
jobs_report_error(const char *message)
{
	LWLockAcquire(&table->lock, LW_EXCLUSIVE);
	strlcpy(own->error, message, sizeof(own->error));
	own->failed = GetCurrentTimestamp();
	LWLockRelease(&table->lock);
}

int
jobs_list(Job **jobs)
{
	int			n = 0;

	attach();
	*jobs = palloc(sizeof(Job) * MAX_JOBS);
	LWLockAcquire(&table->lock, LW_SHARED);
	for (int i = 0; i < MAX_JOBS; i++)
		if (table->jobs[i].state != JOB_FREE)
			(*jobs)[n++] = table->jobs[i];
	LWLockRelease(&table->lock);
	return n;
}
