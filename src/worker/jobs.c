/*
 * jobs.c - the table of jobs, and the start of workers
 */
#include "worker/jobs.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "utils/timestamp.h"

#include "shared/table.h"

#define MAX_JOBS		64

/* A job in state JOB_STARTING has started by then. */
#define RETRY_MS		10000

/* First pauses of a job that failed, and of one whose index was locked; they double. */
#define FAILED_PAUSE_MS	10000
#define LOCKED_PAUSE_MS	500

/* How often such a job is tried before it must be requested again: 21 minutes, or one. */
#define MAX_TRIES		8

typedef struct JobTable
{
	int			tranche;
	LWLock		lock;
	Job			jobs[MAX_JOBS];
} JobTable;

int			jobs_max_workers;

static JobTable *table;
static Job *own;				/* this worker's job */

static bool
has_passed(TimestampTz start, int ms)
{
	return TimestampDifferenceExceeds(start, GetCurrentTimestamp(), ms);
}

static SharedTable shared_jobs = {
	.name = "vector_jobs",
	SHARED_TABLE_OF(JobTable),
	.missing = "background workers for vector indexes are not available"
};

/* Attaches to the table; false if there is none for now. */
static bool
attach(void)
{
	if (table == NULL)
		table = shared_table(&shared_jobs);
	return table != NULL;
}

void
jobs_preload(void)
{
	shared_table_request(&shared_jobs);
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

/* A new job, in a free slot or that of the oldest error; NULL if there is neither. */
static Job *
new_job(Oid database, Oid index)
{
	Job		   *place = NULL;

	for (int i = 0; i < MAX_JOBS; i++)
	{
		Job		   *job = &table->jobs[i];

		if (job->state == JOB_FREE)
		{
			place = job;
			break;
		}
		if (job->state == JOB_FAILED && (place == NULL || job->failed < place->failed))
			place = job;
	}
	if (place != NULL)
		*place = (Job) {.database = database, .index = index};
	return place;
}

/* Whether a worker is processing a job or is being started for it. */
static bool
has_worker(const Job *job)
{
	return job->state == JOB_RUNNING ||
		(job->state == JOB_STARTING && !has_passed(job->since, RETRY_MS));
}

/* Whether a job is put off and not yet due. */
static bool
is_put_off(const Job *job)
{
	return job->put_off && GetCurrentTimestamp() < job->due;
}

/* Whether a job without a worker should get one. */
static bool
is_waiting(const Job *job)
{
	if (job->state == JOB_FAILED)
		return job->put_off;
	return job->state == JOB_WAITING || (job->state == JOB_STARTING && !has_worker(job));
}

/* Likewise, at once. */
static bool
is_due(const Job *job)
{
	return is_waiting(job) && !is_put_off(job);
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

/* Starts a worker for a job in state JOB_STARTING; false if the server has no slot for it. */
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

/* Marks a job as JOB_STARTING, if another worker is allowed. */
static bool
mark_starting(Job *job)
{
	if (workers() >= jobs_max_workers)
		return false;
	set_state(job, JOB_STARTING);
	return true;
}

/* Starts a worker for a marked job; if that fails, takes the mark back: no worker will come. */
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

	if (jobs_max_workers == 0 || !attach())
		return false;
	LWLockAcquire(&table->lock, LW_EXCLUSIVE);
	job = find_job(database, index);
	if (job != NULL && has_worker(job))
		job->again = true;
	else if (job == NULL || job->state != JOB_FAILED || GetCurrentTimestamp() >= job->due)
	{
		if (job == NULL)
			job = new_job(database, index);
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

/* Starts workers for the jobs that a function selects; false if the server has no slots. */
static bool
start_for(bool (*choose) (const Job *job))
{
	for (int i = 0; i < MAX_JOBS; i++)
	{
		Job		   *job = &table->jobs[i];
		bool		start;

		LWLockAcquire(&table->lock, LW_EXCLUSIVE);
		start = choose(job) && mark_starting(job);
		LWLockRelease(&table->lock);
		if (start && !start_marked(job))
			return false;
	}
	return true;
}

/*
 * Whether a worker should wait until a job is due; the pause after an error is too long for that.
 */
static bool
is_waited_for(const Job *job)
{
	return is_waiting(job) && job->state != JOB_FAILED;
}

void
jobs_start_waiting(void)
{
	if (attach() && start_for(is_due))
		start_for(is_waited_for);
}

/* Makes a job the job of this worker. */
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

/* Ends this worker's work on its job, for now. */
static void
leave(void)
{
	own->pid = 0;
	own->phase = JOB_IDLE;
	set_state(own, own->error[0] ? JOB_FAILED : own->put_off ? JOB_WAITING : JOB_FREE);
	own = NULL;
}

/*
 * Called at the exit of a worker that did not finish.  The job is left to the next process that
 * asks for it, because its database may be gone.
 */
static void
leave_at_exit(int code, Datum arg)
{
	if (own == NULL)
		return;
	LWLockAcquire(&table->lock, LW_EXCLUSIVE);
	own->put_off = false;
	leave();
	LWLockRelease(&table->lock);
}

bool
jobs_begin(int slot, Oid *database, Oid *index)
{
	Job		   *job;

	if (!attach())
		return false;
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
jobs_is_put_off(void)
{
	bool		put_off;

	LWLockAcquire(&table->lock, LW_EXCLUSIVE);
	own->put_off = put_off = is_put_off(own);
	LWLockRelease(&table->lock);
	return put_off;
}

/* Whether any job is due; the caller holds the lock. */
static bool
any_is_due(void)
{
	for (int i = 0; i < MAX_JOBS; i++)
		if (is_due(&table->jobs[i]))
			return true;
	return false;
}

bool
jobs_others_wait(void)
{
	bool		wait;

	LWLockAcquire(&table->lock, LW_SHARED);
	wait = any_is_due();
	LWLockRelease(&table->lock);
	return wait;
}

bool
jobs_is_wanted(void)
{
	bool		wanted;

	LWLockAcquire(&table->lock, LW_SHARED);
	wanted = own->again || any_is_due();
	LWLockRelease(&table->lock);
	return wanted;
}

bool
jobs_next(Oid *index)
{
	int			last = (int) (own - table->jobs);
	Oid			database = own->database;
	Job		   *next = NULL;
	bool		again;

	LWLockAcquire(&table->lock, LW_EXCLUSIVE);
	again = own->again;
	leave();
	if (again && table->jobs[last].state == JOB_FREE)
		set_state(&table->jobs[last], JOB_WAITING);
	for (int i = 1; i <= MAX_JOBS && next == NULL; i++)
	{
		Job		   *job = &table->jobs[(last + i) % MAX_JOBS];

		if (is_due(job) && job->database == database)
			next = job;
	}
	if (next == NULL && !any_is_due())
		for (int i = 0; i < MAX_JOBS; i++)
		{
			Job		   *job = &table->jobs[i];

			if (is_waited_for(job) && job->database == database &&
				(next == NULL || job->due < next->due))
				next = job;
		}
	if (next != NULL)
		take(next);
	LWLockRelease(&table->lock);
	if (next == NULL)
		return false;
	*index = next->index;
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

/* The job of an index: the worker's own or, if that covers all indexes, the job of the index. */
static Job *
job_of(Oid index)
{
	return own->index == index ? own : find_job(own->database, index);
}

void
jobs_put_off(Oid index, const char *error)
{
	TimestampTz now = GetCurrentTimestamp();
	Job		   *job;

	LWLockAcquire(&table->lock, LW_EXCLUSIVE);
	job = job_of(index);
	if (job == NULL)
		job = new_job(own->database, index);
	if (job != NULL && (job == own || !has_worker(job)))
	{
		int			pause = error ? FAILED_PAUSE_MS : LOCKED_PAUSE_MS;

		job->due = TimestampTzPlusMilliseconds(now, (int64) pause <<
											   Min(job->tries, MAX_TRIES - 1));
		job->put_off = ++job->tries < MAX_TRIES;
		if (error)
		{
			strlcpy(job->error, error, sizeof(job->error));
			job->failed = now;
		}
		else if (!job->put_off)
			job->tries = 0;
		if (job != own)
			set_state(job, job->error[0] ? JOB_FAILED : job->put_off ? JOB_WAITING : JOB_FREE);
	}
	LWLockRelease(&table->lock);
}

void
jobs_report_success(Oid index)
{
	Job		   *job;

	LWLockAcquire(&table->lock, LW_EXCLUSIVE);
	job = job_of(index);
	if (job != NULL)
	{
		job->tries = 0;
		job->put_off = false;
		job->error[0] = '\0';
		if (job->state == JOB_FAILED)
			set_state(job, JOB_FREE);
	}
	LWLockRelease(&table->lock);
}

int
jobs_list(Job **jobs)
{
	int			n = 0;

	*jobs = palloc(sizeof(Job) * MAX_JOBS);
	if (!attach())
		return 0;
	LWLockAcquire(&table->lock, LW_SHARED);
	for (int i = 0; i < MAX_JOBS; i++)
		if (table->jobs[i].state != JOB_FREE)
			(*jobs)[n++] = table->jobs[i];
	LWLockRelease(&table->lock);
	return n;
}
