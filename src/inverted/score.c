/*
 * score.c - adds lists to the bounds of a window's rows, and keeps the largest
 */
#include "inverted/score.h"

#include <stdlib.h>
#include <string.h>

/* Rows that are tested together: whether any is wanted, and whether all are excluded. */
#define TESTED		64

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

/* A row that is not excluded. */
static void
take_row(InvertedTop *top, uint32_t row, int32_t bound)
{
	if (top->best_count < top->wanted)
		add_best(top, bound);
	else if (top->wanted > 0 && bound > top->best[0])
		replace_least(top, bound);
	if (bound < top->below && bound >= inverted_least(top))
		top->found[top->count++] = (InvertedFound) {bound, row};
}

static bool
is_excluded(const InvertedWindow *window, uint32_t row)
{
	uint32_t	number = window->first + row;

	return window->excluded && (window->excluded[number / 8] >> number % 8 & 1);
}

/* Whether rows from one on are all excluded; the first is a multiple of 8. */
static bool
are_excluded(const InvertedWindow *window, uint32_t row, uint32_t n)
{
	uint32_t	done = 0;

	if (window->excluded == NULL)
		return false;
	for (; done + 8 <= n; done += 8)
		if (window->excluded[(window->first + row + done) / 8] != 0xFF)
			return false;
	for (; done < n; done++)
		if (!is_excluded(window, row + done))
			return false;
	return true;
}

/* The loop has no branch; a row is in a list once, so no addition waits for another. */
static void
add_piece(int32_t *bounds, const InvertedPiece *piece, int32_t base, int32_t slope)
{
	const uint16_t *rows = piece->rows;
	const uint8_t *codes = piece->codes;
	const int32_t *parts = piece->parts;
	uint32_t	n = piece->count;
	uint32_t	i = 0;

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
		add_piece(bounds, &piece, list->part.base, list->part.slope);
		source->close(source->arg);
	}
}

/* The first of n rows with at least this bound, or n. */
static uint32_t
find_row(const int32_t *bounds, uint32_t n, int32_t least)
{
	uint32_t	i = 0;

	while (i < n && bounds[i] < least)
		i++;
	return i;
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

/* Takes the rows of a window whose bounds are complete. */
static void
take_window(const InvertedWindow *window, const InvertedScores *scores, InvertedTop *top)
{
	const int32_t *bounds = scores->bounds;

	for (uint32_t row = 0; row < window->rows; row += TESTED)
	{
		uint32_t	n = window->rows - row < TESTED ? window->rows - row : TESTED;
		uint32_t	i = 0;

		if (are_excluded(window, row, n) ||
			(n == TESTED && !any_row(bounds + row, clamp(inverted_least(top)))))
			continue;
		while ((i += find_row(bounds + row + i, n - i, clamp(inverted_least(top)))) < n)
		{
			if (!is_excluded(window, row + i))
				take_row(top, window->first + row + i, bounds[row + i]);
			i++;
		}
	}
}

/* Collects the rows of a window that the other lists may bring above the least bound. */
static uint32_t
collect_rows(const InvertedWindow *window, const InvertedScores *scores, int32_t least)
{
	uint32_t	count = 0;

	for (uint32_t row = 0; row < window->rows; row += TESTED)
	{
		uint32_t	n = window->rows - row < TESTED ? window->rows - row : TESTED;

		if (are_excluded(window, row, n) ||
			(n == TESTED && !any_row(scores->bounds + row, least)))
			continue;
		for (uint32_t i = row; i < row + n; i++)
			if (scores->bounds[i] >= least && !is_excluded(window, i))
				scores->left[count++] = (uint16_t) i;
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
				scores->bounds[row] += piece.parts ? piece.parts[i] :
					list->part.base + list->part.slope * piece.codes[i];
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

static int
compare_most(const void *a, const void *b)
{
	int32_t		x = ((const InvertedList *) a)->part.most;
	int32_t		y = ((const InvertedList *) b)->part.most;

	return x < y ? -1 : x > y;
}

uint64_t
inverted_score(const InvertedWindow *window, const InvertedSource *source,
			   const InvertedScores *scores, InvertedTop *top)
{
	int64_t		least = inverted_least(top);
	int64_t		rest = 0;		/* what the lists before `few` may add to a row */
	uint32_t	few = 0;
	uint32_t	count;
	uint64_t	read = 0;

	qsort(window->lists, window->count, sizeof(InvertedList), compare_most);
	while (few < window->count && rest + window->lists[few].part.most < least)
		rest += window->lists[few++].part.most;
	/* without any list a row's bound is 0 */
	if (few == window->count && least > rest)
		return 0;
	if (are_excluded(window, 0, window->rows))
		return 0;
	memset(scores->bounds, 0, sizeof(int32_t) * window->rows);
	for (uint32_t i = few; i < window->count; i++)
	{
		add_list(&window->lists[i], source, scores->bounds);
		read += window->lists[i].count;
	}
	if (few == 0)
	{
		take_window(window, scores, top);
		return read;
	}
	count = collect_rows(window, scores, clamp(least - rest));
	while (few > 0 && count > 0)
	{
		read += add_to_rows(&window->lists[--few], source, scores, count);
		rest -= window->lists[few].part.most;
		count = keep_rows(scores, count, clamp(least - rest));
	}
	for (uint32_t i = 0; i < count; i++)
		take_row(top, window->first + scores->left[i], scores->bounds[scores->left[i]]);
	return read;
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
