/*
 * score.c - adds lists to the bounds of a window's rows, and keeps the largest
 */
#include "inverted/score.h"

#include <stdlib.h>
#include <string.h>

/* Rows that are tested together: whether any is wanted, and whether all are excluded. */
#define TESTED		64

/* Of so many postings for each row that passes, the rows are looked up in the lists instead. */
#define PROBED		32

int64_t
inverted_least(const InvertedTop *top)
{
	int64_t		least = INT64_MIN;

	if (top->wanted > 0 && top->best_count == top->wanted)
		least = (int64_t) top->best[0] - top->error;
	return least > top->least ? least : top->least;
}

/* Puts a bound into the heap in place of the first one. */
static void
replace_least(InvertedTop *top, int32_t bound)
{
	uint32_t	i = 0;

	for (uint32_t child; (child = 2 * i + 1) < top->best_count; i = child)
	{
		if (child + 1 < top->best_count && top->best[child + 1] < top->best[child])
			child++;
		if (top->best[child] >= bound)
			break;
		top->best[i] = top->best[child];
	}
	top->best[i] = bound;
}

static void
add_best(InvertedTop *top, int32_t bound)
{
	uint32_t	i = top->best_count++;

	for (; i > 0 && top->best[(i - 1) / 2] > bound; i = (i - 1) / 2)
		top->best[i] = top->best[(i - 1) / 2];
	top->best[i] = bound;
}

static void
add_found(InvertedTop *top, uint32_t row, int32_t bound)
{
	if (top->count == top->room)
	{
		/* where that leaves many, it is not done again before as many have come */
		inverted_finish(top);
		if (top->count > top->room / 2)
			top->grow(top);
	}
	top->found[top->count++] = (InvertedFound) {bound, row};
}

/* A row that is not excluded. */
static void
take_row(InvertedTop *top, uint32_t row, int32_t bound)
{
	if (top->best_count < top->wanted)
		add_best(top, bound);
	else if (top->wanted > 0 && bound > top->best[0])
		replace_least(top, bound);
	if (bound < top->below && bound >= inverted_least(top))
		add_found(top, row, bound);
}

/*
 * Which of at most TESTED rows from one on are not excluded, a bit a row; the first is a multiple
 * of TESTED.
 */
static uint64_t
passing_rows(const InvertedWindow *window, uint32_t row, uint32_t n)
{
	uint64_t	all = n == TESTED ? UINT64_MAX : (UINT64_C(1) << n) - 1;
	uint64_t	excluded = 0;
	const uint8_t *bits;

	if (window->excluded == NULL)
		return all;
	bits = window->excluded + (window->first + row) / 8;
	if (n == TESTED)
		for (uint32_t i = 0; i < TESTED / 8; i++)
			excluded |= (uint64_t) bits[i] << 8 * i;
	else
		for (uint32_t i = 0; i < (n + 7) / 8; i++)
			excluded |= (uint64_t) bits[i] << 8 * i;
	return all & ~excluded;
}

/* The number of rows from one on that are tested together. */
static uint32_t
tested_rows(const InvertedWindow *window, uint32_t row)
{
	return window->rows - row < TESTED ? window->rows - row : TESTED;
}

static bool
all_excluded(const InvertedWindow *window)
{
	for (uint32_t row = 0; row < window->rows; row += TESTED)
		if (passing_rows(window, row, tested_rows(window, row)))
			return false;
	return true;
}

/* What the list adds to row i of the piece. */
static inline int32_t
piece_part(const InvertedPiece *piece, const ImpactPart *part, uint32_t i)
{
	int32_t		entry;

	if (piece->parts)
		return piece->parts[i];
	if (piece->table == NULL)
		return part->base + part->slope * piece->codes[i];
	entry = piece->table[piece->frequencies[i] - 1][piece->classes[piece->rows[i]]];
	return entry < part->most ? entry : part->most;
}

/* The loop has no branch; a row is in a list once, so no addition waits for another. */
static void
add_piece(int32_t *bounds, const InvertedPiece *piece, const ImpactPart *part)
{
	const uint16_t *rows = piece->rows;
	const uint8_t *codes = piece->codes;
	const int32_t *parts = piece->parts;
	const int32_t base = part->base;
	const int32_t slope = part->slope;
	uint32_t	n = piece->count;
	uint32_t	i = 0;

	if (piece->table)
	{
		for (; i < n; i++)
			bounds[rows[i]] += piece_part(piece, part, i);
		return;
	}
	if (parts)
	{
		for (; i + 4 <= n; i += 4)
		{
			bounds[rows[i]] += parts[i];
			bounds[rows[i + 1]] += parts[i + 1];
			bounds[rows[i + 2]] += parts[i + 2];
			bounds[rows[i + 3]] += parts[i + 3];
		}
		for (; i < n; i++)
			bounds[rows[i]] += parts[i];
		return;
	}
	for (; i + 4 <= n; i += 4)
	{
		bounds[rows[i]] += base + slope * codes[i];
		bounds[rows[i + 1]] += base + slope * codes[i + 1];
		bounds[rows[i + 2]] += base + slope * codes[i + 2];
		bounds[rows[i + 3]] += base + slope * codes[i + 3];
	}
	for (; i < n; i++)
		bounds[rows[i]] += base + slope * codes[i];
}

static void
add_list(const InvertedList *list, const InvertedSource *source, int32_t *bounds)
{
	InvertedPiece piece;

	for (uint32_t done = 0; done < list->count; done += piece.passed + piece.count)
	{
		source->open(source->arg, list, done, 0, &piece);
		add_piece(bounds, &piece, &list->part);
		source->close(source->arg);
	}
}

/* Whether any of TESTED rows has at least this bound; without a branch for each row. */
static bool
any_row(const int32_t *bounds, int32_t least)
{
	int			any = 0;

	for (int i = 0; i < TESTED; i++)
		any |= bounds[i] >= least;
	return any != 0;
}

static int32_t
clamp(int64_t bound)
{
	return bound < INT32_MIN ? INT32_MIN : bound > INT32_MAX ? INT32_MAX : (int32_t) bound;
}

/* Of rows that are tested together, those that are not excluded, if any may have this bound. */
static uint64_t
rows_to_test(const InvertedWindow *window, const int32_t *bounds, uint32_t row, int32_t least)
{
	uint32_t	n = tested_rows(window, row);
	uint64_t	passing = passing_rows(window, row, n);

	return passing == 0 || (n == TESTED && !any_row(bounds + row, least)) ? 0 : passing;
}

/* Takes the rows of a window whose bounds are complete. */
static void
take_window(const InvertedWindow *window, const InvertedScores *scores, InvertedTop *top)
{
	const int32_t *bounds = scores->bounds;

	for (uint32_t row = 0; row < window->rows; row += TESTED)
	{
		int32_t		least = clamp(inverted_least(top));

		for (uint64_t left = rows_to_test(window, bounds, row, least); left; left &= left - 1)
		{
			uint32_t	i = row + (uint32_t) __builtin_ctzll(left);

			if (bounds[i] < least)
				continue;
			take_row(top, window->first + i, bounds[i]);
			least = clamp(inverted_least(top));
		}
	}
}

/* Collects the rows of a window that are not excluded, with bounds of no list yet. */
static uint32_t
collect_passing(const InvertedWindow *window, const InvertedScores *scores)
{
	uint32_t	count = 0;

	for (uint32_t row = 0; row < window->rows; row += TESTED)
		for (uint64_t left = passing_rows(window, row, tested_rows(window, row)); left;
			 left &= left - 1)
		{
			uint32_t	i = row + (uint32_t) __builtin_ctzll(left);

			scores->bounds[i] = 0;
			scores->left[count++] = (uint16_t) i;
		}
	return count;
}

/* Collects the rows of a window that the other lists may bring above the least bound. */
static uint32_t
collect_rows(const InvertedWindow *window, const InvertedScores *scores, int32_t least)
{
	const int32_t *bounds = scores->bounds;
	uint32_t	count = 0;

	for (uint32_t row = 0; row < window->rows; row += TESTED)
		for (uint64_t left = rows_to_test(window, bounds, row, least); left; left &= left - 1)
		{
			uint32_t	i = row + (uint32_t) __builtin_ctzll(left);

			scores->left[count] = (uint16_t) i;
			count += bounds[i] >= least;
		}
	return count;
}

/* By steps that double. */
uint32_t
inverted_seek(const uint16_t *rows, uint32_t from, uint32_t count, uint16_t row)
{
	uint32_t	step = 1;
	uint32_t	end;

	while (from + step < count && rows[from + step] < row)
	{
		from += step;
		step *= 2;
	}
	end = from + step < count ? from + step : count;
	while (from < end)
	{
		uint32_t	middle = from + (end - from) / 2;

		if (rows[middle] < row)
			from = middle + 1;
		else
			end = middle;
	}
	return from;
}

/* Adds a list to the bounds of a few rows; returns how many rows of it were looked at. */
static uint64_t
add_to_rows(const InvertedList *list, const InvertedSource *source, const InvertedScores *scores,
			uint32_t count)
{
	uint32_t	next = 0;
	InvertedPiece piece;

	for (uint32_t done = 0; done < list->count && next < count;
		 done += piece.passed + piece.count)
	{
		uint32_t	i = 0;

		source->open(source->arg, list, done, scores->left[next], &piece);
		while (next < count && piece.count > 0 &&
			   scores->left[next] <= piece.rows[piece.count - 1])
		{
			uint16_t	row = scores->left[next++];

			i = inverted_seek(piece.rows, i, piece.count, row);
			if (piece.rows[i] == row)
				scores->bounds[row] += piece_part(&piece, &list->part, i);
		}
		source->close(source->arg);
	}
	return count < list->count ? count : list->count;
}

/* Leaves of the collected rows those that may still reach the least bound. */
static uint32_t
keep_rows(const InvertedScores *scores, uint32_t count, int32_t least)
{
	uint32_t	kept = 0;

	for (uint32_t i = 0; i < count; i++)
		if (scores->bounds[scores->left[i]] >= least)
			scores->left[kept++] = scores->left[i];
	return kept;
}

/* Rows that have been collected, and the lists that may still add to them: the first ones. */
typedef struct Probes
{
	uint32_t	rows;
	uint32_t	lists;
	int64_t		most;			/* what these add to a row at most */
} Probes;

static int
compare_most(const void *a, const void *b)
{
	int32_t		x = ((const InvertedList *) a)->part.most;
	int32_t		y = ((const InvertedList *) b)->part.most;

	return x < y ? -1 : x > y;
}

/*
 * Adds the first lists, which add at most `rest`, to collected rows, as long as these may reach the
 * least bound, and takes the rows; returns how many rows of lists were looked at.
 */
static uint64_t
probe_lists(const InvertedWindow *window, const InvertedSource *source,
			const InvertedScores *scores, InvertedTop *top, Probes probes)
{
	const int64_t least = clamp(inverted_least(top));
	uint64_t	read = 0;

	while (probes.lists > 0 && probes.rows > 0)
	{
		const InvertedList *list = &window->lists[--probes.lists];

		read += add_to_rows(list, source, scores, probes.rows);
		probes.most -= list->part.most;
		probes.rows = keep_rows(scores, probes.rows, clamp(least - probes.most));
	}
	for (uint32_t i = 0; i < probes.rows; i++)
		take_row(top, window->first + scores->left[i], scores->bounds[scores->left[i]]);
	return read;
}

/* The postings of the lists from one on. */
static uint64_t
count_postings(const InvertedWindow *window, uint32_t from)
{
	uint64_t	count = 0;

	for (uint32_t i = from; i < window->count; i++)
		count += window->lists[i].count;
	return count;
}

uint64_t
inverted_score(const InvertedWindow *window, const InvertedSource *source,
			   const InvertedScores *scores, InvertedTop *top)
{
	int64_t		least = inverted_least(top);
	Probes		probes = {0};
	uint64_t	read = 0;

	qsort(window->lists, window->count, sizeof(InvertedList), compare_most);
	while (probes.lists < window->count &&
		   probes.most + window->lists[probes.lists].part.most < least)
		probes.most += window->lists[probes.lists++].part.most;
	/* without any list a row's bound is 0 */
	if (probes.lists == window->count && least > probes.most)
		return 0;
	if (all_excluded(window))
		return 0;
	if (window->excluded &&
		(uint64_t) window->passing * PROBED <= count_postings(window, probes.lists))
	{
		while (probes.lists < window->count)
			probes.most += window->lists[probes.lists++].part.most;
		probes.rows = collect_passing(window, scores);
		return probe_lists(window, source, scores, top, probes);
	}
	memset(scores->bounds, 0, sizeof(int32_t) * window->rows);
	for (uint32_t i = probes.lists; i < window->count; i++)
	{
		add_list(&window->lists[i], source, scores->bounds);
		read += window->lists[i].count;
	}
	if (probes.lists == 0)
	{
		take_window(window, scores, top);
		return read;
	}
	probes.rows = collect_rows(window, scores, clamp(least - probes.most));
	return read + probe_lists(window, source, scores, top, probes);
}

void
inverted_finish(InvertedTop *top)
{
	int64_t		least = inverted_least(top);
	size_t		kept = 0;

	for (size_t i = 0; i < top->count; i++)
		if (top->found[i].bound >= least)
			top->found[kept++] = top->found[i];
	top->count = kept;
}
