/*
 * moved.c - rows of segments that are being replaced
 */
#include "segment/moved.h"

#include "port/pg_bitutils.h"
#include "utils/memutils.h"

#include "segment/tombstones.h"

/* Tombstones of an input at the last pass. */
struct SeenTombstones
{
	uint32		changes;		/* see segment_tombstone_changes */
	uint8	   *bits;			/* NULL: none */
};

/* Moved rows that have died. */
typedef struct DeadRows
{
	MovedRow   *rows;
	uint64		count;
	uint64		room;
} DeadRows;

void
moved_init(MovedRows *moved, Relation index, const SegmentEntry *inputs, int input_count)
{
	memset(moved, 0, sizeof(*moved));
	moved->index = index;
	moved->inputs = inputs;
	moved->input_count = input_count;
	moved->seen = palloc0(sizeof(SeenTombstones) * input_count);
}

/* Makes room for another row, in the same memory context. */
static void
make_room(MovedRow **rows, uint64 count, uint64 *room)
{
	if (count < *room)
		return;
	*room = Max(*room * 2, 1024);
	*rows = *rows ? repalloc_huge(*rows, *room * sizeof(MovedRow)) :
		palloc(*room * sizeof(MovedRow));
}

MovedRow *
moved_add(MovedRows *moved, uint32 input, uint32 row)
{
	make_room(&moved->rows, moved->count, &moved->room);
	moved->rows[moved->count] = (MovedRow) {input, row, 0, 0};
	return &moved->rows[moved->count++];
}

static bool
precedes(const MovedRow *moved, uint32 input, uint32 row)
{
	return moved->input != input ? moved->input < input : moved->row < row;
}

/*
 * The first moved row, from `low` on, that does not precede a row of an input.  Rows are looked for
 * in order, and may be few among many, so the steps double until one is too far.
 */
static uint64
find_from(const MovedRows *moved, uint64 low, uint32 input, uint32 row)
{
	uint64		step = 1;
	uint64		high;

	for (; low + step < moved->count && precedes(&moved->rows[low + step], input, row); step *= 2)
		low += step;
	high = Min(low + step, moved->count);
	while (low < high)
	{
		uint64		middle = low + (high - low) / 2;

		if (precedes(&moved->rows[middle], input, row))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Collects the moved rows whose bits are new among an input's tombstones. */
static void
take_new(const MovedRows *moved, uint32 input, const uint8 *bits, Size size, DeadRows *dead)
{
	const uint8 *seen = moved->seen[input].bits;
	uint64		place = 0;

	for (Size byte = 0; byte < size; byte++)
	{
		uint32		new_bits;

		if (byte % TOMBSTONES_ALIGN == 0 && seen &&
			memcmp(bits + byte, seen + byte, TOMBSTONES_ALIGN) == 0)
		{
			byte += TOMBSTONES_ALIGN - 1;
			continue;
		}
		new_bits = bits[byte] & ~(seen ? seen[byte] : 0);
		for (; new_bits; new_bits &= new_bits - 1)
		{
			uint32		row = (uint32) (byte * 8 + pg_rightmost_one_pos32(new_bits));

			place = find_from(moved, place, input, row);
			if (place == moved->count)
				return;
			/* a row that was dead before was not moved */
			if (moved->rows[place].input != input || moved->rows[place].row != row)
				continue;
			make_room(&dead->rows, dead->count, &dead->room);
			dead->rows[dead->count++] = moved->rows[place];
		}
	}
}

/* Likewise for an input, if its tombstones have changed. */
static void
look_at_input(MovedRows *moved, uint32 input, DeadRows *dead)
{
	const SegmentEntry *entry = &moved->inputs[input];
	SeenTombstones *seen = &moved->seen[input];
	/* read this before the bits: bits that are set in between are found again */
	uint32		changes = segment_tombstone_changes(moved->index, entry);
	uint8	   *bits;
	Size		size;

	if (changes == seen->changes)
		return;
	bits = segment_tombstones(moved->index, entry, &size);
	take_new(moved, input, bits, size, dead);
	if (seen->bits)
		pfree(seen->bits);
	*seen = (SeenTombstones) {changes, bits};
}

static int
compare_outputs(const void *a, const void *b)
{
	const MovedRow *x = a;
	const MovedRow *y = b;

	if (x->output != y->output)
		return x->output < y->output ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

uint64
moved_bury(MovedRows *moved, const SegmentEntry *outputs)
{
	DeadRows	dead = {0};
	uint32	   *numbers;

	for (int i = 0; i < moved->input_count; i++)
		look_at_input(moved, i, &dead);
	if (dead.count == 0)
		return 0;
	qsort(dead.rows, dead.count, sizeof(MovedRow), compare_outputs);
	numbers = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(uint32) * dead.count);
	for (uint64 i = 0; i < dead.count;)
	{
		uint32		output = dead.rows[i].output;
		uint64		n = 0;

		for (; i < dead.count && dead.rows[i].output == output; i++)
			numbers[n++] = dead.rows[i].number;
		sealed_bury(moved->index, &outputs[output], numbers, n);
	}
	pfree(numbers);
	pfree(dead.rows);
	return dead.count;
}
