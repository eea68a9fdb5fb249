/*
 * runs.c - sorts postings in memory, writes runs to temporary files, and merges them
 *
 * Dimensions that are terms have numbers in memory, which a run replaces by their ranks among its
 * own terms.  In its file the text of a term precedes its first postings, so that neither terms nor
 * postings of all runs need be in memory at once.
 */
#include "inverted_segment/runs.h"

#include "lib/binaryheap.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "inverted_segment/terms.h"
#include "segment/temporary.h"
#include "text/document.h"

/* The room for postings at first, and the least that a run has. */
#define FIRST_ROOM		16384
#define LEAST_ROOM		65536

/* What is taken beside postings and terms: a window, and runs. */
#define OTHER_MEMORY	(INVERTED_WINDOW * (sizeof(uint16) + sizeof(float)) + 65536)

/* The least room for a term. */
#define FIRST_TERM_ROOM	64

/*
 * The head of a window's postings in a file; the term follows, if it is one and another than
 * before, then row numbers and weights.
 */
typedef struct RunHead
{
	uint32		dim;
	uint32		window;
	uint32		count;
} RunHead;

/* A term, in memory that grows. */
typedef struct TermText
{
	char	   *text;
	uint32		length;
	uint32		room;
} TermText;

typedef struct PostingRun
{
	BufFile    *file;			/* NULL: in memory */
	const Posting *next;		/* in memory */
	const Posting *end;
	RunHead		head;			/* of the next postings */
	TermText	term;			/* likewise */
	bool		begun;			/* there is a head */
} PostingRun;

struct PostingRuns
{
	MemoryContext context;
	Size		memory;
	Size		peak;			/* of what was taken of it */
	TermTable  *terms;			/* of the postings in memory; NULL: dimensions are none */
	Size		room;
	Size		count;
	Posting    *postings;
	Posting    *other;			/* to sort them */
	PostingRun *runs;
	int			run_count;
	WindowPostings window;
	TermText	term;			/* of the window */
	uint32		dims;			/* that have been merged */
};

/* Terms have a context of their own, below that of the runs. */
static void
begin_terms(PostingRuns *runs)
{
	MemoryContext old = MemoryContextSwitchTo(runs->context);

	runs->terms = terms_begin();
	MemoryContextSwitchTo(old);
}

PostingRuns *
runs_begin(Size memory, bool terms)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "vector postings",
												  ALLOCSET_DEFAULT_SIZES);
	PostingRuns *runs = MemoryContextAllocZero(context, sizeof(PostingRuns));

	runs->context = context;
	runs->memory = Max(memory, LEAST_ROOM * 2 * sizeof(Posting) + OTHER_MEMORY);
	if (terms)
		begin_terms(runs);
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

	if (runs->terms)
	{
		const uint32 *ranks = terms_sort(runs->terms);

		for (Size i = 0; i < runs->count; i++)
			runs->postings[i].dim = ranks[runs->postings[i].dim];
	}
	runs->other = MemoryContextAllocHuge(runs->context, Max(runs->count, 1) * sizeof(Posting));
	runs->peak = Max(runs->peak, MemoryContextMemAllocated(runs->context, true));
	sorted = postings_sort(runs->postings, runs->other, runs->count);
	run = add_run(runs);
	run->next = sorted;
	run->end = sorted + runs->count;
	return run;
}

static void
reserve_term(PostingRuns *runs, TermText *term, uint32 length)
{
	term->length = length;
	if (length <= term->room && term->text)
		return;
	if (term->text)
		pfree(term->text);
	term->room = Max(2 * length, FIRST_TERM_ROOM);
	term->text = MemoryContextAllocHuge(runs->context, term->room);
}

static void
copy_term(PostingRuns *runs, TermText *term, const char *text, uint32 length)
{
	reserve_term(runs, term, length);
	memcpy(term->text, text, length);
}

/* Has the term of a run's head, whose dimension is another than that of the last. */
static void
read_term(PostingRuns *runs, PostingRun *run)
{
	uint32		length;
	const char *text;

	if (run->file)
	{
		temporary_read(run->file, &length, sizeof(length));
		reserve_term(runs, &run->term, length);
		temporary_read(run->file, run->term.text, length);
		return;
	}
	text = terms_text(runs->terms, run->head.dim, &length);
	copy_term(runs, &run->term, text, length);
}

/* Reads the head of next postings in memory; false at their end. */
static bool
next_in_memory(PostingRun *run)
{
	const Posting *posting = run->next;

	if (posting == run->end)
		return false;
	run->head = (RunHead) {posting->dim, posting->row / INVERTED_WINDOW, 0};
	while (posting < run->end && posting->dim == run->head.dim &&
		   posting->row / INVERTED_WINDOW == run->head.window)
		posting++;
	run->head.count = (uint32) (posting - run->next);
	return true;
}

/* Reads the head of a run's next postings; false at its end. */
static bool
next_head(PostingRuns *runs, PostingRun *run)
{
	uint32		dim = run->head.dim;

	if (!(run->file ? temporary_read_head(run->file, &run->head, sizeof(RunHead)) :
		  next_in_memory(run)))
		return false;
	if (runs->terms && (!run->begun || run->head.dim != dim))
		read_term(runs, run);
	run->begun = true;
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
	bool		first = true;
	uint32		dim = 0;		/* of the postings before */

	make_window(runs);
	while (next_head(runs, run))
	{
		CHECK_FOR_INTERRUPTS();
		read_postings(run, window->rows, window->frequencies);
		BufFileWrite(file, &run->head, sizeof(RunHead));
		if (runs->terms && (first || run->head.dim != dim))
		{
			BufFileWrite(file, &run->term.length, sizeof(uint32));
			BufFileWrite(file, run->term.text, run->term.length);
		}
		first = false;
		dim = run->head.dim;
		BufFileWrite(file, window->rows, run->head.count * sizeof(uint16));
		BufFileWrite(file, window->weights, run->head.count * sizeof(float));
	}
	run->file = file;
	run->next = run->end = NULL;
	run->begun = false;
	pfree(runs->other);
	runs->count = 0;
	if (runs->terms)
	{
		terms_end(runs->terms);
		begin_terms(runs);
	}
}

/* The room for postings and for as many that are sorted, beside the terms. */
static Size
most_postings(const PostingRuns *runs)
{
	Size		others = OTHER_MEMORY + (runs->terms ? terms_memory(runs->terms) : 0);

	return runs->memory > others ? (runs->memory - others) / (2 * sizeof(Posting)) : 0;
}

/* Whether one more posting, of one more term, takes more memory than there is. */
static bool
is_full(const PostingRuns *runs)
{
	Size		needed = runs->count + 1;

	return runs->count > 0 && Max(runs->room, needed) + needed > 2 * most_postings(runs);
}

static void
add_posting(PostingRuns *runs, Posting posting)
{
	if (runs->count == runs->room)
	{
		runs->room = Min(Max(runs->room * 2, FIRST_ROOM), most_postings(runs));
		runs->room = Max(runs->room, runs->count + 1);
		runs->postings = runs->postings ?
			repalloc_huge(runs->postings, runs->room * sizeof(Posting)) :
			MemoryContextAllocHuge(runs->context, runs->room * sizeof(Posting));
	}
	runs->postings[runs->count++] = posting;
}

void
runs_add(PostingRuns *runs, Posting posting)
{
	if (is_full(runs))
		write_run(runs);
	add_posting(runs, posting);
}

void
runs_add_term(PostingRuns *runs, const char *term, uint32 length, Posting posting)
{
	if (is_full(runs))
		write_run(runs);
	posting.dim = terms_number(runs->terms, term, length);
	add_posting(runs, posting);
}

static int
compare_terms(const TermText *a, const TermText *b)
{
	return document_compare(a->text, a->length, b->text, b->length);
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
	int			order = runs->terms ?
		compare_terms(&runs->runs[i].term, &runs->runs[j].term) :
		x->dim < y->dim ? -1 : x->dim > y->dim;

	/* the first of a binaryheap is the largest */
	if (order != 0)
		return order < 0 ? 1 : -1;
	if (x->window != y->window)
		return x->window < y->window ? 1 : -1;
	return i < j ? 1 : -1;
}

/* Whether the next postings of a run are of another dimension than the window. */
static bool
is_new_dimension(const PostingRuns *runs, const PostingRun *run)
{
	if (runs->dims == 0)
		return true;
	return runs->terms ? compare_terms(&run->term, &runs->term) != 0 :
		run->head.dim != runs->window.dim;
}

static void
begin_dimension(PostingRuns *runs, const PostingRun *run)
{
	WindowPostings *window = &runs->window;

	window->dim = run->head.dim;
	if (runs->terms)
	{
		copy_term(runs, &runs->term, run->term.text, run->term.length);
		window->dim = runs->dims;
		window->term = runs->term.text;
		window->length = runs->term.length;
	}
	runs->dims++;
}

void
runs_merge(PostingRuns *runs, WindowCallback callback, void *arg)
{
	WindowPostings *window = &runs->window;
	binaryheap *heap;

	if (runs->count > 0)
		sort_run(runs);
	ereport(DEBUG1,
			(errmsg_internal("%d runs of postings took %zu of %zu kB", runs->run_count,
							 runs->peak / 1024, runs->memory / 1024)));
	make_window(runs);
	window->count = 0;
	heap = binaryheap_allocate(Max(runs->run_count, 1), compare_runs, runs);
	for (int i = 0; i < runs->run_count; i++)
	{
		if (runs->runs[i].file)
			temporary_rewind(runs->runs[i].file);
		if (next_head(runs, &runs->runs[i]))
			binaryheap_add_unordered(heap, Int32GetDatum(i));
	}
	binaryheap_build(heap);
	while (!binaryheap_empty(heap))
	{
		Datum		first = binaryheap_first(heap);
		PostingRun *run = &runs->runs[DatumGetInt32(first)];
		bool		new_dimension = is_new_dimension(runs, run);

		CHECK_FOR_INTERRUPTS();
		if (window->count > 0 && (new_dimension || window->window != run->head.window))
		{
			callback(arg, window);
			window->count = 0;
		}
		if (new_dimension)
			begin_dimension(runs, run);
		window->window = run->head.window;
		read_postings(run, window->rows + window->count, window->frequencies + window->count);
		window->count += run->head.count;
		if (next_head(runs, run))
			binaryheap_replace_first(heap, first);
		else
			(void) binaryheap_remove_first(heap);
	}
	if (window->count > 0)
		callback(arg, window);
	binaryheap_free(heap);
}
