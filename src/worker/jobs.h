/*
 * jobs.h - the indexes that background workers process, or should
 *
 * A table in shared memory that every process of the server can find, whether or not the library is
 * preloaded.  If there is no memory for it there are no workers, and no error.  A job is an
 * index that was asked for, until a worker finds nothing more to do for it.  If a worker
 * can do nothing now, because the index is locked or there was an error, the job is put off: it is
 * not tried again before a certain time, and workers are free for other jobs.
 */
#ifndef VECTOR_WORKER_JOBS_H
#define VECTOR_WORKER_JOBS_H

#include "pg_compat.h"

#include "datatype/timestamp.h"
#include "postmaster/bgworker.h"

#define JOB_ERROR_SIZE	200

typedef enum JobState
{
	JOB_FREE,
	JOB_FAILED,					/* done, with an error to report */
	JOB_WAITING,				/* for a worker */
	JOB_STARTING,				/* a worker is being started for it */
	JOB_RUNNING
} JobState;

typedef enum JobPhase
{
	JOB_IDLE, JOB_SEALING, JOB_MERGING, JOB_TIERING, JOB_MEASURING
} JobPhase;

typedef struct Job
{
	JobState	state;
	Oid			database;
	Oid			index;			/* InvalidOid: all indexes of the database */
	int			pid;			/* of the worker; 0: none */
	bool		again;			/* requested again since the worker looked for work */
	bool		put_off;		/* until `due` */
	int			tries;			/* consecutive unsuccessful ones */
	TimestampTz due;
	JobPhase	phase;
	int			step;			/* a BuildPhase */
	uint64		done;			/* rows of the step */
	uint64		total;
	TimestampTz since;			/* of the phase, or state */
	TimestampTz failed;
	char		error[JOB_ERROR_SIZE];	/* the last error; empty: none */
} Job;

/* Requests the shared memory when the library is preloaded. */
extern void jobs_preload(void);

/* Fills in the description of one of our background processes, to be started once. */
extern void jobs_describe_process(BackgroundWorker *worker, const char *name,
								  const char *function);

/* Number of workers that may run at once: vector.max_maintenance_workers. */
extern int	jobs_max_workers;

/*
 * Makes sure that a worker looks at an index of this database, or at all of them (InvalidOid); not
 * yet if that failed a short while ago.  Returns false if none will: there are no slots, or no
 * table.
 */
extern bool jobs_request(Oid database, Oid index);

/* Starts workers for jobs that are due, and workers that wait for jobs that are put off. */
extern void jobs_start_waiting(void);

/* In a worker: takes the job it was started for; false if another has it, or there is no table. */
extern bool jobs_begin(int slot, Oid *database, Oid *index);

/* Whether the worker's job is put off; false once it is due. */
extern bool jobs_is_put_off(void);

/* Whether another job that has no worker is due. */
extern bool jobs_others_wait(void);

/* Whether the worker's job was requested again, or another job is due. */
extern bool jobs_is_wanted(void);

/*
 * The worker is done with its job: takes another job of the database that is due, or the same job
 * if it was requested again meanwhile; if no job is due in any database, takes the job that is due
 * next of those put off.  Returns false if there is none.
 */
extern bool jobs_next(Oid *index);

/* Report the worker's progress. */
extern void jobs_report_phase(JobPhase phase);
extern void jobs_report_step(int step, uint64 done, uint64 total);

/*
 * The worker could do nothing for an index of its job, because of an error, or (NULL) because the
 * index was locked: puts off the job for the index, for a pause that doubles each time.  After a
 * number of tries the job is left to the next request.
 */
extern void jobs_put_off(Oid index, const char *error);

/* The worker's step with an index of its job succeeded. */
extern void jobs_report_success(Oid index);

/* Copies of the jobs that are not free; returns how many. */
extern int	jobs_list(Job **jobs);

#endif							/* VECTOR_WORKER_JOBS_H */
