/*
 * client.c - the load program of the benchmark: searches, inserts and loads over libpq
 *
 * A client written in Python costs more than the search it measures, so this one is C: a prepared
 * statement, binary parameters, binary results, one thread a connection.  Each run prints one line
 * of JSON and nothing else to stdout.
 *
 *	load query	runs ORDER BY distance LIMIT k; queries a second, latencies, recall
 *	load insert	single-row INSERTs, each its own transaction; rows a second
 *	load copy	one binary COPY of a file of vectors; rows a second
 *	load truth	no server: the exact neighbours by --metric, computed here and written by --save-ids
 *
 * Vectors come from fvecs files (little endian: int32 dim, then dim float32, per row), the truth
 * from ivecs (int32 k, then k row numbers).  A row's id is its number in base.fvecs.
 *
 * Recall counts a returned row as a hit when its id is among the truth's first k, or when its
 * distance to the query, computed here in double from base.fvecs, is at most the k-th true distance
 * times (1 + 1e-6): of rows at equal distance any may come back.  A row returned twice counts once;
 * a row that is missing is a miss.
 *
 * With --params each query has a second parameter, a text: a line of that file.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#include "bench.h"
#include "vectors.h"

#define MAX_SETS 64
#define TIE_TOLERANCE 1e-6
#define INT4_OID 23
#define TEXT_OID 25

static struct
{
	const char *conninfo;
	const char *table;
	const char *sql;
	const char *where;
	const char *save_ids;
	const char *params;			/* a file: what $2 is in each query */
	const char *sets[MAX_SETS];
	int			nsets;
	VecFile		base;
	VecFile		rows;			/* what is inserted or copied; the base if not given */
	VecFile		query;
	VecFile		truth;
	VecType		type;
	Metric		metric;
	float		scale;			/* what every component is multiplied by before it is sent */
	int			k;
	int			clients;
	int			warmup;			/* queries a client runs before the clock starts */
	double		seconds;
	int64_t		count;			/* queries or rows in all; 0: until the seconds are over */
	int64_t		start;			/* first row of the file that is inserted */
	int64_t		id_offset;		/* added to the row number to make the id */
} opt =
{
	.conninfo = "",
	.table = "items",
	.scale = 1,
	.k = 10,
	.clients = 1,
};

typedef struct Worker
{
	pthread_t	thread;
	PGconn	   *conn;
	double	   *latency;		/* seconds, one a statement */
	int64_t		done;
	int64_t		allocated;
	double		finished;
	double		server_seconds; /* that the connection's server process has run; -1 if not known */
} Worker;

static pthread_barrier_t start_line;
static atomic_llong next_item;
static double started;
static char **second;			/* $2 of each query; NULL: there is none */
static int32_t *answers;		/* opt.k ids a query, -1 where fewer came back */
static atomic_char *answered;
static unsigned type_oid;
static int	statement_bytes;	/* size of the parameter that holds a vector */

static PGresult *
run_sql(PGconn *conn, const char *sql)
{
	PGresult   *res = PQexec(conn, sql);

	if (PQresultStatus(res) != PGRES_COMMAND_OK && PQresultStatus(res) != PGRES_TUPLES_OK)
		die("%s: %s", sql, PQerrorMessage(conn));
	return res;
}

static PGconn *
open_connection(void)
{
	PGconn	   *conn = PQconnectdb(opt.conninfo);

	if (PQstatus(conn) != CONNECTION_OK)
		die("%s", PQerrorMessage(conn));
	for (int i = 0; i < opt.nsets; i++)
		PQclear(run_sql(conn, opt.sets[i]));
	return conn;
}

static void
look_up_type(PGconn *conn)
{
	const char *name = type_names[opt.type];
	PGresult *res = PQexecParams(conn, "SELECT to_regtype($1)::oid", 1, NULL, &name, NULL, NULL, 0);

	if (PQresultStatus(res) != PGRES_TUPLES_OK || PQgetisnull(res, 0, 0))
		die("type \"%s\" does not exist on this server", name);
	type_oid = (unsigned) strtoul(PQgetvalue(res, 0, 0), NULL, 10);
	PQclear(res);
}

static int32_t
read_id(const PGresult *res, int row)
{
	const unsigned char *p = (const unsigned char *) PQgetvalue(res, row, 0);
	int			len = PQgetlength(res, row, 0);
	uint64_t	u = 0;

	if (len != 4 && len != 8)
		die("the statement's first column must be integer or bigint");
	for (int i = 0; i < len; i++)
		u = u << 8 | p[i];
	return (int32_t) u;
}

static void
note_latency(Worker *w, double seconds)
{
	if (w->done == w->allocated)
	{
		w->allocated = w->allocated ? 2 * w->allocated : 4096;
		w->latency = allocate(w->latency, w->allocated * sizeof(double));
	}
	w->latency[w->done++] = seconds;
}

/*
 * The time that the server process of a connection has run, which the load of the machine changes
 * far less than a latency.  Known for a server on this machine, if that is Linux.
 */
static double
server_seconds(PGconn *conn)
{
	char		path[64];
	FILE	   *f;
	double		nanoseconds = -1e9;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", PQbackendPID(conn));
	f = fopen(path, "r");
	if (f == NULL)
		return -1;
	if (fscanf(f, "%lf", &nanoseconds) != 1)
		nanoseconds = -1e9;
	fclose(f);
	return nanoseconds / 1e9;
}

/* One search: what came back is kept the first time that the query is asked */
static void
search(Worker *w, int64_t q, char *param, bool keep)
{
	const char *values[2] = {param, second != NULL ? second[q] : NULL};
	int			lengths[2] = {0, 0};
	int			formats[2] = {1, 0};
	PGresult   *res;

	lengths[0] = put_vector(param, file_row(&opt.query, q), opt.query.dim, opt.type,
							opt.scale);
	res = PQexecPrepared(w->conn, "s", second != NULL ? 2 : 1, values, lengths, formats, 1);
	if (PQresultStatus(res) != PGRES_TUPLES_OK)
		die("search failed: %s", PQerrorMessage(w->conn));
	if (keep)
	{
		int			n = PQntuples(res);

		for (int i = 0; i < opt.k; i++)
			answers[q * opt.k + i] = i < n ? read_id(res, i) : -1;
		atomic_store(&answered[q], 1);
	}
	PQclear(res);
}

static void *
query_worker(void *arg)
{
	Worker	   *w = arg;
	char	   *param = allocate(NULL, statement_bytes);

	for (int i = 0; i < opt.warmup; i++)
		search(w, (i * INT64_C(7919)) % opt.query.rows, param, false);
	pthread_barrier_wait(&start_line);
	pthread_barrier_wait(&start_line);
	for (;;)
	{
		int64_t		item = atomic_fetch_add(&next_item, 1);
		double		before;

		before = now();
		if (opt.count ? item >= opt.count : before - started >= opt.seconds)
			break;
		search(w, item % opt.query.rows, param, item < opt.query.rows);
		note_latency(w, now() - before);
	}
	w->finished = now();
	free(param);
	return NULL;
}

static void *
insert_worker(void *arg)
{
	Worker	   *w = arg;
	char	   *param = allocate(NULL, statement_bytes);

	pthread_barrier_wait(&start_line);
	pthread_barrier_wait(&start_line);
	for (;;)
	{
		int64_t		item = atomic_fetch_add(&next_item, 1);
		int64_t		row = opt.start + item;
		uint32_t	id = htonl((uint32_t) (row + opt.id_offset));
		const char *values[2] = {(const char *) &id, param};
		int			lengths[2] = {4, 0};
		int			formats[2] = {1, 1};
		double		before = now();
		PGresult   *res;

		if (item >= opt.count || (opt.seconds > 0 && before - started >= opt.seconds))
			break;
		lengths[1] = put_vector(param, file_row(&opt.rows, row), opt.rows.dim, opt.type,
								opt.scale);
		res = PQexecPrepared(w->conn, "s", 2, values, lengths, formats, 1);
		if (PQresultStatus(res) != PGRES_COMMAND_OK)
			die("insert failed: %s", PQerrorMessage(w->conn));
		PQclear(res);
		note_latency(w, now() - before);
	}
	w->finished = now();
	free(param);
	return NULL;
}

static int
compare_doubles(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return (x > y) - (x < y);
}

/*
 * Fraction of the true neighbours found, over the queries that were answered; see the head of this
 * file
 */
static double
recall(int64_t *queries)
{
	int64_t		hits = 0;
	int64_t		wanted = 0;

	*queries = 0;
	for (int64_t q = 0; q < opt.query.rows; q++)
	{
		const int32_t *truth = file_row(&opt.truth, q);
		const float *x = file_row(&opt.query, q);
		const int32_t *got = answers + q * opt.k;
		int			true_k = 0;
		double		limit = -1;
		bool		have_limit = false;

		if (!answered[q])
			continue;
		++*queries;
		while (true_k < opt.k && truth[true_k] >= 0)
			true_k++;
		wanted += true_k;
		for (int i = 0; i < opt.k && got[i] >= 0; i++)
		{
			bool		hit = false;
			bool		again = false;

			for (int j = 0; j < i; j++)
				again = again || got[j] == got[i];
			if (again)
				continue;
			for (int j = 0; j < true_k && !hit; j++)
				hit = truth[j] == got[i];
			if (!hit && true_k > 0 && opt.base.data != NULL && got[i] < opt.base.rows)
			{
				if (!have_limit)
				{
					limit = distance(x, file_row(&opt.base, truth[true_k - 1]), opt.base.dim,
									 opt.metric);
					limit += fabs(limit) * TIE_TOLERANCE;
					have_limit = true;
				}
				hit = distance(x, file_row(&opt.base, got[i]), opt.base.dim, opt.metric) <= limit;
			}
			hits += hit;
		}
	}
	return wanted > 0 ? (double) hits / wanted : 1;
}

static void
write_ids(void)
{
	FILE	   *f = fopen(opt.save_ids, "wb");
	int32_t		k = opt.k;

	if (f == NULL)
		die("could not write \"%s\": %s", opt.save_ids, strerror(errno));
	for (int64_t q = 0; q < opt.query.rows; q++)
	{
		if (!answered[q])
			die("query %lld was not asked: its neighbours cannot be saved", (long long) q);
		fwrite(&k, 4, 1, f);
		fwrite(answers + q * opt.k, 4, opt.k, f);
	}
	if (fclose(f) != 0)
		die("could not write \"%s\": %s", opt.save_ids, strerror(errno));
}

/*
 * Starts the clients together, waits for all, and prints what is common to searches and inserts.
 * Of the types of the statement's parameters, 0 stands for the vector's.
 */
static void
run_workers(const char *mode, const char *sql, int nparams, Oid *types, void *(*body) (void *))
{
	Worker	   *workers = allocate(NULL, opt.clients * sizeof(Worker));
	double		end = 0;
	double	   *all;
	double		sum = 0;
	double		server = 0;
	int64_t		n = 0;

	memset(workers, 0, opt.clients * sizeof(Worker));
	if (pthread_barrier_init(&start_line, NULL, opt.clients + 1) != 0)
		die("could not make a barrier");
	for (int i = 0; i < opt.clients; i++)
	{
		PGresult   *res;

		workers[i].conn = open_connection();
		if (i == 0)
			look_up_type(workers[i].conn);
		for (int j = 0; j < nparams; j++)
			if (types[j] == 0)
				types[j] = type_oid;
		res = PQprepare(workers[i].conn, "s", sql, nparams, types);
		if (PQresultStatus(res) != PGRES_COMMAND_OK)
			die("%s: %s", sql, PQerrorMessage(workers[i].conn));
		PQclear(res);
	}
	for (int i = 0; i < opt.clients; i++)
		if (pthread_create(&workers[i].thread, NULL, body, &workers[i]) != 0)
			die("could not start a thread");
	pthread_barrier_wait(&start_line);
	for (int i = 0; i < opt.clients; i++)
		workers[i].server_seconds = server_seconds(workers[i].conn);
	started = now();
	pthread_barrier_wait(&start_line);
	for (int i = 0; i < opt.clients; i++)
	{
		pthread_join(workers[i].thread, NULL);
		end = fmax(end, workers[i].finished);
		n += workers[i].done;
		server = server < 0 || workers[i].server_seconds < 0 ? -1 :
			server + server_seconds(workers[i].conn) - workers[i].server_seconds;
		PQfinish(workers[i].conn);
	}
	all = allocate(NULL, n * sizeof(double));
	n = 0;
	for (int i = 0; i < opt.clients; i++)
	{
		for (int64_t j = 0; j < workers[i].done; j++)
			sum += all[n++] = workers[i].latency[j];
		free(workers[i].latency);
	}
	if (n == 0)
		die("nothing was run");
	qsort(all, n, sizeof(double), compare_doubles);
	printf(
		"{\"mode\": \"%s\", \"clients\": %d, \"n\": %lld, \"seconds\": %.6f, \"per_second\": %.3f, "
		"\"mean_ms\": %.6f, \"p50_ms\": %.6f, \"p95_ms\": %.6f, \"p99_ms\": %.6f",
		mode, opt.clients, (long long) n, end - started, n / (end - started), 1e3 * sum / n,
		1e3 * all[n / 2], 1e3 * all[(int64_t) (0.95 * (n - 1))],
		1e3 * all[(int64_t) (0.99 * (n - 1))]);
	if (server >= 0)
		printf(", \"server_us\": %.3f", 1e6 * server / n);
	free(all);
	free(workers);
}

/* How many rows came back, the mean of the queries that were answered */
static double
mean_rows(void)
{
	int64_t		rows = 0;
	int64_t		queries = 0;

	for (int64_t q = 0; q < opt.query.rows; q++)
	{
		queries += answered[q] != 0;
		for (int i = 0; answered[q] && i < opt.k; i++)
			rows += answers[q * opt.k + i] >= 0;
	}
	return queries > 0 ? (double) rows / queries : 0;
}

static void
query_mode(void)
{
	char	   *sql = NULL;
	int64_t		asked;
	Oid			types[2] = {0, TEXT_OID};

	if (opt.query.data == NULL)
		die("query needs --query");
	if (opt.truth.data != NULL)
	{
		if (opt.truth.rows < opt.query.rows || opt.truth.dim < opt.k)
			die("the truth has %lld queries and %d neighbours: too few", (long long) opt.truth.rows,
				opt.truth.dim);
		if (opt.base.data != NULL && opt.base.dim != opt.query.dim)
			die("base and queries have different dimensions");
	}
	if (opt.sql != NULL)
		sql = strdup(opt.sql);
	else if (asprintf(&sql, "SELECT id FROM %s%s%s ORDER BY embedding %s $1 LIMIT %d", opt.table,
					  opt.where ? " WHERE " : "", opt.where ? opt.where : "",
					  metric_operators[opt.metric], opt.k) < 0)
		sql = NULL;
	if (sql == NULL)
		die("out of memory");
	if (opt.count == 0 && opt.seconds <= 0)
		opt.count = opt.query.rows;
	answers = allocate(NULL, opt.query.rows * opt.k * sizeof(int32_t));
	answered = allocate(NULL, opt.query.rows);
	memset((void *) answered, 0, opt.query.rows);
	statement_bytes = 4 + 4 * opt.query.dim;
	if (opt.params != NULL)
		second = read_lines(opt.params, opt.query.rows);
	run_workers("query", sql, second != NULL ? 2 : 1, types, query_worker);
	printf(", \"rows\": %.6f", mean_rows());
	if (opt.truth.data != NULL)
	{
		printf(", \"k\": %d, \"recall\": %.6f", opt.k, recall(&asked));
		printf(", \"recall_queries\": %lld", (long long) asked);
	}
	puts("}");
	if (opt.save_ids != NULL)
		write_ids();
	free(sql);
	free(answers);
	free((void *) answered);
}

static void
insert_mode(void)
{
	char	   *sql;
	Oid			types[2] = {INT4_OID, 0};

	if (asprintf(&sql, "INSERT INTO %s (id, embedding) VALUES ($1, $2)", opt.table) < 0)
		die("out of memory");
	statement_bytes = 4 + 4 * opt.rows.dim;
	run_workers("insert", sql, 2, types, insert_worker);
	puts("}");
	free(sql);
}

static void
copy_mode(void)
{
	PGconn	   *conn = open_connection();
	PGresult   *res;
	char	   *sql;
	char	   *row = allocate(NULL, 2 + 4 + 4 + 4 + 4 + 4 * (size_t) opt.rows.dim);
	double		seconds;

	look_up_type(conn);
	if (asprintf(&sql, "COPY %s (id, embedding) FROM STDIN (FORMAT binary)", opt.table) < 0)
		die("out of memory");
	started = now();
	res = PQexec(conn, sql);
	if (PQresultStatus(res) != PGRES_COPY_IN)
		die("%s: %s", sql, PQerrorMessage(conn));
	PQclear(res);
	if (PQputCopyData(conn, "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19) != 1)
		die("copy failed: %s", PQerrorMessage(conn));
	for (int64_t i = opt.start; i < opt.start + opt.count; i++)
	{
		int			len = put_vector(row + 14, file_row(&opt.rows, i), opt.rows.dim, opt.type,
								 opt.scale);
		uint16_t	fields = htons(2);
		uint32_t	id_len = htonl(4);
		uint32_t	id = htonl((uint32_t) (i + opt.id_offset));
		uint32_t	vec_len = htonl((uint32_t) len);

		memcpy(row, &fields, 2);
		memcpy(row + 2, &id_len, 4);
		memcpy(row + 6, &id, 4);
		memcpy(row + 10, &vec_len, 4);
		if (PQputCopyData(conn, row, 14 + len) != 1)
			die("copy failed: %s", PQerrorMessage(conn));
	}
	if (PQputCopyData(conn, "\377\377", 2) != 1 || PQputCopyEnd(conn, NULL) != 1)
		die("copy failed: %s", PQerrorMessage(conn));
	while ((res = PQgetResult(conn)) != NULL)
	{
		if (PQresultStatus(res) != PGRES_COMMAND_OK)
			die("copy failed: %s", PQerrorMessage(conn));
		PQclear(res);
	}
	seconds = now() - started;
	printf("{\"mode\": \"copy\", \"n\": %lld, \"seconds\": %.6f, \"per_second\": %.3f}\n",
		   (long long) opt.count, seconds, opt.count / seconds);
	PQfinish(conn);
	free(sql);
	free(row);
}

/* Exact neighbours of the queries that this thread draws, kept sorted by insertion */
static void *
truth_worker(void *arg)
{
	double	   *best = allocate(NULL, opt.k * sizeof(double));
	int64_t		q;

	(void) arg;
	while ((q = atomic_fetch_add(&next_item, 1)) < opt.query.rows)
	{
		const float *x = file_row(&opt.query, q);
		int32_t    *ids = answers + q * opt.k;
		int			n = 0;

		for (int64_t row = 0; row < opt.base.rows; row++)
		{
			double		d = distance(x, file_row(&opt.base, row), opt.base.dim, opt.metric);
			int			at;

			if (n == opt.k && !(d < best[n - 1]))
				continue;
			if (n < opt.k)
				n++;
			for (at = n - 1; at > 0 && d < best[at - 1]; at--)
			{
				best[at] = best[at - 1];
				ids[at] = ids[at - 1];
			}
			best[at] = d;
			ids[at] = (int32_t) row;
		}
		for (; n < opt.k; n++)
			ids[n] = -1;
		atomic_store(&answered[q], 1);
	}
	free(best);
	return NULL;
}

static void
truth_mode(void)
{
	pthread_t  *threads = allocate(NULL, opt.clients * sizeof(pthread_t));

	if (opt.base.data == NULL || opt.query.data == NULL || opt.save_ids == NULL)
		die("truth needs --base, --query and --save-ids");
	if (opt.base.dim != opt.query.dim)
		die("base and queries have different dimensions");
	answers = allocate(NULL, opt.query.rows * opt.k * sizeof(int32_t));
	answered = allocate(NULL, opt.query.rows);
	started = now();
	for (int i = 0; i < opt.clients; i++)
		if (pthread_create(&threads[i], NULL, truth_worker, NULL) != 0)
			die("could not start a thread");
	for (int i = 0; i < opt.clients; i++)
		pthread_join(threads[i], NULL);
	write_ids();
	printf("{\"mode\": \"truth\", \"n\": %lld, \"k\": %d, \"seconds\": %.6f}\n",
		   (long long) opt.query.rows, opt.k, now() - started);
	free(threads);
	free(answers);
	free((void *) answered);
}

static int
find_name(const char *name, const char *const *names, int n, const char *what)
{
	for (int i = 0; i < n; i++)
		if (strcmp(name, names[i]) == 0)
			return i;
	die("unknown %s \"%s\"", what, name);
}

static void
usage(FILE *f)
{
	fputs("usage: load query|insert|copy|truth [options]\n"
		  "  --conn CONNINFO    libpq connection string\n"
		  "  --table NAME       table with columns id integer, embedding (default items)\n"
		  "  --type T           vector | halfvec | bf16vec | int8vec: the column's type\n"
		  "  --metric M         l2 | ip | cos | l1\n"
		  "  --base FILE        base.fvecs: rows to load, and distances for ties in recall\n"
		  "  --rows FILE        fvecs to insert or copy instead of the base\n"
		  "  --query FILE       query.fvecs\n"
		  "  --truth FILE       gt.ivecs; without it no recall is given\n"
		  "  --nq N             use only the file's first N queries\n"
		  "  --k K              neighbours asked for (default 10)\n"
		  "  --where SQL        condition of the search\n"
		  "  --params FILE      a line a query: its text is $2 of the search\n"
		  "  --sql SQL          the whole search; $1 is the query, the first column the id\n"
		  "  --clients N        connections, one thread each (default 1)\n"
		  "  --seconds S        run for S seconds\n"
		  "  --count N          queries or rows in all (default: each query once; every row)\n"
		  "  --warmup N         queries of each client before the clock starts\n"
		  "  --start N          first row of the file to insert or copy\n"
		  "  --id-offset N      added to the row number to make the id\n"
		  "  --set SQL          statement run in each session first (may be repeated)\n"
		  "  --save-ids FILE    write the ids found as ivecs: the truth for later runs\n", f);
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {{"conn", 1, 0, 'c'},	{"table", 1, 0, 't'},
											{"type", 1, 0, 'T'},	{"metric", 1, 0, 'm'},
											{"base", 1, 0, 'b'},	{"rows", 1, 0, 'r'},
											{"query", 1, 0, 'q'},	{"truth", 1, 0, 'g'},
											{"nq", 1, 0, 'n'},		{"k", 1, 0, 'k'},
											{"where", 1, 0, 'w'},	{"sql", 1, 0, 's'},
											{"params", 1, 0, 'p'},
											{"clients", 1, 0, 'N'}, {"seconds", 1, 0, 'S'},
											{"count", 1, 0, 'C'},	{"warmup", 1, 0, 'W'},
											{"start", 1, 0, 'a'},	{"id-offset", 1, 0, 'o'},
											{"set", 1, 0, 'e'},		{"save-ids", 1, 0, 'i'},
											{"help", 0, 0, 'h'},	{0, 0, 0, 0}};
	int64_t		nq = 0;
	int			c;

	if (argc < 2 || strcmp(argv[1], "--help") == 0)
	{
		usage(argc < 2 ? stderr : stdout);
		return argc < 2;
	}
	optind = 2;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
	{
		switch (c)
		{
			case 'c':
				opt.conninfo = optarg;
				break;
			case 't':
				opt.table = optarg;
				break;
			case 'T':
				opt.type = (VecType) find_name(optarg, type_names, 4, "type");
				break;
			case 'm':
				opt.metric = (Metric) find_name(optarg, metric_names, 4, "metric");
				break;
			case 'b':
				opt.base = map_file(optarg);
				break;
			case 'r':
				opt.rows = map_file(optarg);
				break;
			case 'q':
				opt.query = map_file(optarg);
				break;
			case 'g':
				opt.truth = map_file(optarg);
				break;
			case 'n':
				nq = atoll(optarg);
				break;
			case 'k':
				opt.k = atoi(optarg);
				break;
			case 'w':
				opt.where = optarg;
				break;
			case 'p':
				opt.params = optarg;
				break;
			case 's':
				opt.sql = optarg;
				break;
			case 'N':
				opt.clients = atoi(optarg);
				break;
			case 'S':
				opt.seconds = atof(optarg);
				break;
			case 'C':
				opt.count = atoll(optarg);
				break;
			case 'W':
				opt.warmup = atoi(optarg);
				break;
			case 'a':
				opt.start = atoll(optarg);
				break;
			case 'o':
				opt.id_offset = atoll(optarg);
				break;
			case 'e':
				if (opt.nsets == MAX_SETS)
					die("too many --set");
				opt.sets[opt.nsets++] = optarg;
				break;
			case 'i':
				opt.save_ids = optarg;
				break;
			case 'h':
				usage(stdout);
				return 0;
			default:
				usage(stderr);
				return 1;
		}
	}
	if (optind < argc || opt.clients < 1 || opt.k < 1)
	{
		usage(stderr);
		return 1;
	}
	if (nq > 0 && nq < opt.query.rows)
		opt.query.rows = nq;
	if (opt.type == TYPE_INT8VEC)
	{
		if (opt.base.data == NULL)
			die("int8vec needs --base, which gives the scale");
		opt.scale = int8_scale(&opt.base);
	}
	if (strcmp(argv[1], "query") == 0)
		query_mode();
	else if (strcmp(argv[1], "truth") == 0)
		truth_mode();
	else if (strcmp(argv[1], "insert") == 0 || strcmp(argv[1], "copy") == 0)
	{
		if (opt.rows.data == NULL)
			opt.rows = opt.base;
		if (opt.rows.data == NULL)
			die("%s needs --base or --rows", argv[1]);
		if (opt.count == 0)
			opt.count = opt.rows.rows - opt.start;
		if (opt.start < 0 || opt.count < 1 || opt.start + opt.count > opt.rows.rows)
			die("--start and --count reach past the file's %lld rows", (long long) opt.rows.rows);
		if (strcmp(argv[1], "insert") == 0)
			insert_mode();
		else
			copy_mode();
	}
	else
	{
		usage(stderr);
		return 1;
	}
	return 0;
}
