/*
 * runs.c - sorts postings in memory, writes runs to temporary files, and merges them
 */
#include "inverted_segment/runs.h"

#include "lib/binaryheap.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "segment/temporary.h"

/* The room for postings at first, and the least that a run has. */
#define FIRST_ROOM		16384
#define LEAST_ROOM		65536

/* The head of a window's postings in a file; row numbers and weights follow. */
typedef struct RunHead
{
	uint32		dim;
	uint32		window;
	uint32		count;
} RunHead;

typedef struct PostingRun
{
	BufFile    *file;			/* NULL: in memory */
	const Posting *next;		/* in memory */
	const Posting *end;
	RunHead		head;			/* of the next postings */
} PostingRun;

struct PostingRuns
{
	MemoryContext context;
	Size		most;			/* postings in memory */
	Size		room;
	Size		count;
	Posting    *postings;
	Posting    *other;			/* to sort them */
	PostingRun *runs;
	int			run_count;
	WindowPostings window;
};

PostingRuns *
runs_begin(Size memory)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "vector postings",
												  ALLOCSET_DEFAULT_SIZES);
	PostingRuns *runs = MemoryContextAllocZero(context, sizeof(PostingRuns));

	runs->context = context;
	runs->most = Max(memory / (2 * sizeof(Posting)), LEAST_ROOM);
	return runs;
}

void
runs_end(PostingRuns *runs)
{
	for (int i = 0; i < runs->run_count; i++)
		if (runs->runs[i].file)
			BufFileClose(runs->runs[i].file);
	MemoryContextDelete(runs->context);
}

static PostingRun *
add_run(PostingRuns *runs)
{
	Size		size = sizeof(PostingRun) * (runs->run_count + 1);
	PostingRun *run;

	runs->runs = runs->runs ? repalloc(runs->runs, size) :
		MemoryContextAlloc(runs->context, size);
	run = &runs->runs[runs->run_count++];
	memset(run, 0, sizeof(*run));
	return run;
}

/* Sorts the postings in memory, which become a run there. */
static PostingRun *
sort_run(PostingRuns *runs)
{
	PostingRun *run;
	Posting    *sorted;

	runs->other = MemoryContextAllocHuge(runs->context, Max(runs->count, 1) * sizeof(Posting));
	sorted = postings_sort(runs->postings, runs->other, runs->count);
	run = add_run(runs);
	run->next = sorted;
	run->end = sorted + runs->count;
	return run;
}

/* Reads the head of a run's next postings; false at its end. */
static bool
next_head(PostingRun *run)
{
	const Posting *posting = run->next;

	if (run->file)
		return temporary_read_head(run->file, &run->head, sizeof(RunHead));
	if (posting == run->end)
		return false;
	run->head = (RunHead) {posting->dim, posting->row / INVERTED_WINDOW, 0};
	while (posting < run->end && posting->dim == run->head.dim &&
		   posting->row / INVERTED_WINDOW == run->head.window)
		posting++;
	run->head.count = (uint32) (posting - run->next);
	return true;
}

/* Reads the postings after a head; weights are copied as they are, like frequencies. */
static void
read_postings(PostingRun *run, uint16 *rows, uint32 *values)
{
	uint32		count = run->head.count;

	if (run->file)
	{
		temporary_read(run->file, rows, count * sizeof(uint16));
		temporary_read(run->file, values, count * sizeof(uint32));
		return;
	}
	for (uint32 i = 0; i < count; i++)
	{
		rows[i] = (uint16) (run->next[i].row % INVERTED_WINDOW);
		values[i] = run->next[i].frequency;
	}
	run->next += count;
}

static void
make_window(PostingRuns *runs)
{
	if (runs->window.rows)
		return;
	runs->window.rows = MemoryContextAlloc(runs->context, INVERTED_WINDOW * sizeof(uint16));
	runs->window.weights = MemoryContextAlloc(runs->context, INVERTED_WINDOW * sizeof(float));
}

/* Writes the postings in memory to a file. */
static void
write_run(PostingRuns *runs)
{
	PostingRun *run = sort_run(runs);
	WindowPostings *window = &runs->window;
	BufFile    *file = BufFileCreateTemp(false);

	make_window(runs);
	while (next_head(run))
	{
		CHECK_FOR_INTERRUPTS();
		read_postings(run, window->rows, window->frequencies);
		BufFileWrite(file, &run->head, sizeof(RunHead));
		BufFileWrite(file, window->rows, run->head.count * sizeof(uint16));
		BufFileWrite(file, window->weights, run->head.count * sizeof(float));
	}
	run->file = file;
	run->next = run->end = NULL;
	pfree(runs->other);
	runs->count = 0;
}

void
runs_add(PostingRuns *runs, Posting posting)
{
	if (runs->count == runs->most)
		write_run(runs);
	if (runs->count == runs->room)
	{
		runs->room = Min(Max(runs->room * 2, FIRST_ROOM), runs->most);
		runs->postings = runs->postings ?
			repalloc_huge(runs->postings, runs->room * sizeof(Posting)) :
			MemoryContextAllocHuge(runs->context, runs->room * sizeof(Posting));
	}
	runs->postings[runs->count++] = posting;
}

/* Orders runs by their next postings; of the same window, the earlier run has the lesser rows. */
static int
compare_runs(Datum a, Datum b, void *arg)
{
	const PostingRuns *runs = arg;
	int			i = DatumGetInt32(a);
	int			j = DatumGetInt32(b);
	const RunHead *x = &runs->runs[i].head;
	const RunHead *y = &runs->runs[j].head;

	/* the first of a binaryheap is the largest */
	if (x->dim != y->dim)
		return x->dim < y->dim ? 1 : -1;
	if (x->window != y->window)
		return x->window < y->window ? 1 : -1;
	return i < j ? 1 : -1;
}

void
runs_merge(PostingRuns *runs, WindowCallback callback, void *arg)
{
	WindowPostings *window = &runs->window;
	binaryheap *heap;

	if (runs->count > 0)
		sort_run(runs);
	make_window(runs);
	window->count = 0;
	heap = binaryheap_allocate(Max(runs->run_count, 1), compare_runs, runs);
	for (int i = 0; i < runs->run_count; i++)
	{
		if (runs->runs[i].file)
			temporary_rewind(runs->runs[i].file);
		if (next_head(&runs->runs[i]))
			binaryheap_add_unordered(heap, Int32GetDatum(i));
	}
	binaryheap_build(heap);
	while (!binaryheap_empty(heap))
	{
		Datum		first = binaryheap_first(heap);
		PostingRun *run = &runs->runs[DatumGetInt32(first)];

		CHECK_FOR_INTERRUPTS();
		if (window->count > 0 &&
			(window->dim != run->head.dim || window->window != run->head.window))
		{
			callback(arg, window);
			window->count = 0;
		}
		window->dim = run->head.dim;
		window->window = run->head.window;
		read_postings(run, window->rows + window->count, window->frequencies + window->count);
		window->count += run->head.count;
		if (next_head(run))
			binaryheap_replace_first(heap, first);
		else
			(void) binaryheap_remove_first(heap);
	}
	if (window->count > 0)
		callback(arg, window);
	binaryheap_free(heap);
}
