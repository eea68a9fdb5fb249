/*
 * search.c - the pool, the set of nodes seen, and the main loop
 */
#include "graph/search.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define EXPANDED	(GRAPH_MAX_ID + 1)

/* See graph_search_expect. */
#define ADAPT_HOPS		16		/* hops between adaptations */
#define LATE_HOPS		128.0f	/* nodes met before are forgotten in about so many hops */
#define EXPECTED_LEAST	8.0f	/* so many live nodes, met as expected, steady what was met */
#define MOST_GROWTH		8.0f	/* of the pool */

/* The search in the pool divides it into this many parts. */
#define POOL_WAYS	16

void
graph_search_init(GraphSearch *search, GraphMemory memory)
{
	memset(search, 0, sizeof(*search));
	search->memory = memory;
}

/* Makes room for `count` items; doubles it when it grows. */
static bool
reserve(GraphMemory memory, void **items, size_t *room, size_t count, size_t size)
{
	size_t		wanted = *room * 2;
	void	   *p;

	if (count <= *room)
		return true;
	if (wanted < count)
		wanted = count;
	if (wanted < 64)
		wanted = 64;
	p = memory.resize(memory.arg, *items, wanted * size);
	if (p == NULL)
		return false;
	*items = p;
	*room = wanted;
	return true;
}

bool
graph_heap_push(GraphHeap *heap, GraphMemory memory, GraphCandidate item)
{
	size_t		i = heap->count;

	if (!reserve(memory, (void **) &heap->items, &heap->room, i + 1, sizeof(item)))
		return false;
	heap->count++;
	for (; i > 0 && item.distance < heap->items[(i - 1) / 2].distance; i = (i - 1) / 2)
		heap->items[i] = heap->items[(i - 1) / 2];
	heap->items[i] = item;
	return true;
}

/* Moves an item from place i down to where it belongs in the heap. */
static void
heap_sift(GraphHeap *heap, size_t i, GraphCandidate item)
{
	for (;;)
	{
		size_t		child = 2 * i + 1;

		if (child >= heap->count)
			break;
		if (child + 1 < heap->count &&
			heap->items[child + 1].distance < heap->items[child].distance)
			child++;
		if (item.distance <= heap->items[child].distance)
			break;
		heap->items[i] = heap->items[child];
		i = child;
	}
	heap->items[i] = item;
}

void
graph_heap_make(GraphHeap *heap)
{
	for (size_t i = heap->count / 2; i-- > 0;)
		heap_sift(heap, i, heap->items[i]);
}

GraphCandidate
graph_heap_pop(GraphHeap *heap)
{
	GraphCandidate top = heap->items[0];

	heap->count--;
	if (heap->count > 0)
		heap_sift(heap, 0, heap->items[heap->count]);
	return top;
}

static inline size_t
seen_slot(const GraphSearch *search, uint32_t id)
{
	size_t		mask = search->seen_room - 1;
	size_t		slot = (id * UINT64_C(0x9E3779B97F4A7C15) >> 32) & mask;

	while (search->seen[slot].epoch == search->epoch && search->seen[slot].id != id)
		slot = (slot + 1) & mask;
	return slot;
}

/* The size that keeps the table at most half full after `more` further entries. */
static size_t
seen_room_for(const GraphSearch *search, size_t more)
{
	size_t		room = search->seen_room ? search->seen_room : 2048;

	while (room < 2 * (search->seen_count + more))
		room *= 2;
	return room;
}

static bool
seen_reserve(GraphSearch *search, size_t more)
{
	GraphSeen  *old = search->seen;
	size_t		old_room = search->seen_room;
	size_t		room = seen_room_for(search, more);

	if (room == old_room)
		return true;
	search->seen = search->memory.resize(search->memory.arg, NULL, room * sizeof(GraphSeen));
	if (search->seen == NULL)
	{
		search->seen = old;
		return false;
	}
	memset(search->seen, 0, room * sizeof(GraphSeen));
	search->seen_room = room;
	for (size_t i = 0; i < old_room; i++)
		if (old[i].epoch == search->epoch)
			search->seen[seen_slot(search, old[i].id)] = old[i];
	if (old)
		search->memory.resize(search->memory.arg, old, 0);
	return true;
}

/*
 * The first place in the pool whose distance is not below; with few branches to mispredict, and
 * with many comparisons that do not wait for each other.
 */
static inline uint32_t
pool_place(const GraphSearch *search, float distance)
{
	const GraphCandidate *base = search->pool;
	uint32_t	n = search->pool_count;
	uint32_t	below = 0;

	while (n > POOL_WAYS)
	{
		uint32_t	step = n / POOL_WAYS;

		below = 0;
		for (uint32_t i = 1; i < POOL_WAYS; i++)
			below += base[i * step - 1].distance < distance;
		base += below * step;
		n = below == POOL_WAYS - 1 ? n - below * step : step;
	}
	below = 0;
	for (uint32_t i = 0; i < n; i++)
		below += base[i].distance < distance;
	return (uint32_t) (base - search->pool) + below;
}

static inline bool
pool_refuses(const GraphSearch *search, float distance)
{
	return search->pool_count == search->ef &&
		   distance >= search->pool[search->pool_count - 1].distance;
}

static bool
keep(GraphSearch *search, GraphCandidate candidate)
{
	return !search->keep || (candidate.id & EXPANDED) ||
		   graph_heap_push(&search->kept, search->memory, candidate);
}

/* Puts a candidate at a place, moving the following ones up; the one at `end` is overwritten. */
static inline void
pool_shift(GraphSearch *search, uint32_t place, uint32_t end, GraphCandidate candidate)
{
	memmove(search->pool + place + 1, search->pool + place,
			(end - place) * sizeof(GraphCandidate));
	search->pool[place] = candidate;
	if (place < search->next)
		search->next = place;
}

static bool
pool_insert(GraphSearch *search, GraphCandidate candidate)
{
	uint32_t	place = pool_place(search, candidate.distance);

	if (search->pool_count < search->ef)
		search->pool_count++;
	else if (!keep(search, search->pool[search->pool_count - 1]))
		return false;
	pool_shift(search, place, search->pool_count - 1, candidate);
	return true;
}

/* Moves a candidate in the pool to a smaller distance; false if it is not in the pool. */
static bool
pool_improve(GraphSearch *search, GraphCandidate candidate, float old)
{
	uint32_t	end = pool_place(search, old);

	while (end < search->pool_count && search->pool[end].id != candidate.id)
		if (search->pool[end++].distance != old)
			return false;
	if (end == search->pool_count)
		return false;
	pool_shift(search, pool_place(search, candidate.distance), end, candidate);
	return true;
}

/* Puts a candidate into the pool, unless it is known with a better estimate or is too far. */
static bool
offer(GraphSearch *search, GraphCandidate candidate)
{
	GraphSeen  *seen = &search->seen[seen_slot(search, candidate.id)];

	/* infinite estimates stay ordered; -INFINITY is kept to mark a node as expanded */
	if (!(fabsf(candidate.distance) <= FLT_MAX))
		candidate.distance = candidate.distance < 0 ? -FLT_MAX : FLT_MAX;
	if (seen->epoch == search->epoch)
	{
		float		old = seen->estimate;

		if (candidate.distance >= old)
			return true;
		seen->estimate = candidate.distance;
		if (pool_improve(search, candidate, old))
			return true;
	}
	else
	{
		seen->id = candidate.id;
		seen->epoch = search->epoch;
		seen->estimate = candidate.distance;
		search->seen_count++;
	}
	if (pool_refuses(search, candidate.distance))
		return keep(search, candidate);
	if (search->source.dead && search->source.dead(search->source.arg, candidate.id))
		return graph_heap_push(&search->dead, search->memory, candidate);
	return pool_insert(search, candidate);
}

static void
forget_seen(GraphSearch *search)
{
	search->seen_count = 0;
	if (++search->epoch == 0)
	{
		if (search->seen)
			memset(search->seen, 0, search->seen_room * sizeof(GraphSeen));
		search->epoch = 1;
	}
}

bool
graph_search_begin(GraphSearch *search, GraphSource source, uint32_t ef, bool keep_rest,
				   GraphCandidate entry)
{
	size_t		room = search->pool_room;

	if (!reserve(search->memory, (void **) &search->pool, &room, ef, sizeof(GraphCandidate)))
		return false;
	search->pool_room = (uint32_t) room;
	search->source = source;
	search->keep = keep_rest;
	search->ef = search->least_ef = ef;
	search->share = 0;
	search->met_live = search->met_dead = 0;
	search->pool_count = 0;
	search->next = 0;
	search->prefetched[0] = search->prefetched[1] = EXPANDED;
	search->beam_count = search->beam_next = 0;
	search->began = search->gained = search->hops;
	search->wanted = 0;
	search->nearest.count = 0;
	search->dead.count = 0;
	search->kept.count = 0;
	search->found_count = 0;
	forget_seen(search);
	return seen_reserve(search, source.degree + 1) && offer(search, entry);
}

bool
graph_search_add(GraphSearch *search, GraphCandidate candidate)
{
	return offer(search, candidate);
}

void
graph_search_limit(GraphSearch *search, uint32_t wanted, float reach, float known,
				   float patience)
{
	search->wanted = wanted;
	search->reach = search->dense_reach = reach;
	search->known = known < INFINITY ? known : -INFINITY;
	search->patience = patience;
	search->wide = false;
	search->beyond_count = 0;
	search->base = 0;
}

void
graph_search_expect(GraphSearch *search, float share, float crowd)
{
	search->share = search->live_share = share;
	search->crowd = crowd;
}

/* Sets how far the search goes by the nodes that it has met. */
static bool
adapt(GraphSearch *search)
{
	float		expected = search->share * (float) (search->met_live + search->met_dead);
	float		growth = (expected + EXPECTED_LEAST) / (search->met_live + EXPECTED_LEAST);
	uint32_t	ef = (uint32_t) (search->least_ef * fminf(growth, MOST_GROWTH));
	size_t		room = search->pool_room;

	if (search->crowd > 1)
		search->reach = powf(search->dense_reach, logf(1 + (search->crowd - 1) *
													   search->live_share) / logf(search->crowd));
	if (ef <= search->ef)
		return true;
	if (!reserve(search->memory, (void **) &search->pool, &room, ef, sizeof(GraphCandidate)))
		return false;
	search->pool_room = (uint32_t) room;
	search->ef = ef;
	return true;
}

/* Notes that a node was expanded, dead or not. */
static inline bool
note_met(GraphSearch *search, bool dead)
{
	*(dead ? &search->met_dead : &search->met_live) += 1;
	if (search->share == 0)
		return true;
	search->live_share += ((dead ? 0.0f : 1.0f) - search->live_share) / LATE_HOPS;
	return (search->met_live + search->met_dead) % ADAPT_HOPS != 0 || adapt(search);
}

/* The distance from which on candidates are out of reach; NaN if there is no limit. */
static inline float
reach_of(const GraphSearch *search)
{
	float		farthest;

	if (search->wanted == 0 || search->nearest.count < search->wanted)
		return NAN;
	farthest = fmaxf(-search->nearest.items[0].distance, search->known);
	return search->reach * (search->base + farthest) - search->base;
}

/* Records the distance of a found node, if it is one of the wanted nearest. */
static bool
note_nearest(GraphSearch *search, float distance)
{
	GraphHeap  *nearest = &search->nearest;
	GraphCandidate item = {-distance, 0};

	if (nearest->count == search->wanted &&
		(nearest->count == 0 || item.distance <= nearest->items[0].distance))
		return true;
	search->gained = search->hops;
	if (nearest->count < search->wanted)
		return graph_heap_push(nearest, search->memory, item);
	heap_sift(nearest, 0, item);
	return true;
}

/* Whether hops have brought no gain for so long that the search should end. */
static inline bool
is_out_of_patience(const GraphSearch *search)
{
	return search->hops - search->gained >=
		search->patience * (search->gained - search->began);
}

/* Takes the nearest candidate that is not expanded; false if there is none in reach. */
static bool
take_next(GraphSearch *search, GraphCandidate *candidate, bool *dead)
{
	while (search->next < search->pool_count && (search->pool[search->next].id & EXPANDED))
		search->next++;
	*dead = search->dead.count > 0 && !pool_refuses(search, search->dead.items[0].distance) &&
		(search->next >= search->pool_count ||
		 search->dead.items[0].distance < search->pool[search->next].distance);
	if (!*dead && search->next >= search->pool_count)
		return false;
	*candidate = *dead ? search->dead.items[0] : search->pool[search->next];
	if (candidate->distance > reach_of(search) &&
		(!search->wide || is_out_of_patience(search)))
		return false;
	if (*dead)
		graph_heap_pop(&search->dead);
	else
		search->pool[search->next++].id |= EXPANDED;
	return true;
}

/*
 * Takes the next candidate, from a source that may have to wait for it with others; false if none
 * is in reach and at hand.  The first candidates of a search are soon left behind, so it begins
 * with fewer at once, all the fewer if it begins anywhere.
 */
static inline bool
take_fetched(GraphSearch *search, GraphTaken *taken)
{
	GraphSource *source = &search->source;
	GraphTaken *beam = search->beam;

	if (source->fetch == NULL)
		return take_next(search, &taken->candidate, &taken->dead);
	if (search->beam_next == search->beam_count)
	{
		uint64_t	hops = search->hops - search->began;
		uint64_t	most = 1 + (source->near ? hops : hops / 2);
		uint32_t	at_once = source->near ? GRAPH_BEAM : GRAPH_FAR_BEAM;
		uint32_t	ids[GRAPH_BEAM];
		uint32_t	n = 0;

		for (; n < at_once && n < most; n++)
		{
			if (!take_next(search, &beam[n].candidate, &beam[n].dead))
				break;
			ids[n] = beam[n].candidate.id;
		}
		search->beam_count = n;
		search->beam_next = 0;
		search->waits = n > 0 && !source->fetch(source->arg, ids, (int) n);
		if (n == 0 || search->waits)
			return false;
	}
	*taken = beam[search->beam_next++];
	return true;
}

/* Prefetches the next candidates, but for those for which the hop before has done so. */
static inline void
prefetch_next(GraphSearch *search)
{
	uint32_t	before[] = {search->prefetched[0], search->prefetched[1]};
	int			count = 0;

	for (uint32_t i = search->next; i < search->pool_count && count < 2; i++)
	{
		uint32_t	id = search->pool[i].id;

		if (id & EXPANDED)
			continue;
		if (id != before[0] && id != before[1])
			search->source.prefetch(search->source.arg, id);
		search->prefetched[count++] = id;
	}
}

/*
 * Moves the ids whose estimate is below a distance (all of them if it is NaN) to the front, again
 * without branches; returns how many.  The order of the others changes.
 */
static inline int
move_nearer(uint32_t *ids, float *estimates, int n, float distance)
{
	int			nearer = 0;

	for (int i = 0; i < n; i++)
	{
		uint32_t	id = ids[i];
		float		estimate = estimates[i];

		ids[i] = ids[nearer];
		estimates[i] = estimates[nearer];
		ids[nearer] = id;
		estimates[nearer] = estimate;
		nearer += !(estimate > distance);
	}
	return nearer;
}

/*
 * Drops ids that are out of reach or that the pool would refuse; returns how many are left, or -1
 * if there is no memory.  A search that may look beyond its reach keeps the former aside.
 */
static inline int
drop_refused(GraphSearch *search, uint32_t *ids, float *estimates, int n)
{
	float		reach = search->wide ? NAN : reach_of(search);
	int			left;

	if (!search->keep && search->pool_count == search->ef &&
		!(search->pool[search->ef - 1].distance > reach))
		reach = search->pool[search->ef - 1].distance;
	left = move_nearer(ids, estimates, n, reach);
	if (search->wanted == 0 || search->patience == 0 || search->wide || left == n)
		return left;
	if (!reserve(search->memory, (void **) &search->beyond, &search->beyond_room,
				 search->beyond_count + (n - left), sizeof(GraphCandidate)))
		return -1;
	for (int i = left; i < n; i++)
		search->beyond[search->beyond_count++] = (GraphCandidate) {estimates[i], ids[i]};
	return left;
}

/*
 * Reads a node's neighbours and their distances; returns how many.  If each has to be scored, those
 * seen before are left out.
 */
static int
read_node(GraphSearch *search, GraphFound *found, uint32_t *ids, float *estimates)
{
	GraphSource *source = &search->source;
	int			n = source->expand(source->arg, found->id, found, ids, estimates);

	search->hops++;
	if (!source->coded)
	{
		int			fresh = 0;

		for (int i = 0; i < n; i++)
		{
			GraphSeen  *seen = &search->seen[seen_slot(search, ids[i])];

			if (seen->epoch == search->epoch)
				continue;
			if (source->once)
			{
				*seen = (GraphSeen) {ids[i], search->epoch, INFINITY};
				search->seen_count++;
			}
			ids[fresh++] = ids[i];
		}
		n = fresh;
		source->score(source->arg, ids, n, estimates);
	}
	search->distances += (uint64_t) n + (source->exact ? 1 : 0);
	return n;
}

static bool
offer_all(GraphSearch *search, const uint32_t *ids, const float *estimates, int n)
{
	for (int i = 0; i < n; i++)
		if (!offer(search, (GraphCandidate) {estimates[i], ids[i]}))
			return false;
	return true;
}

/* Offers the nodes beside one, by their exact distances. */
static bool
offer_beside(GraphSearch *search, uint32_t id)
{
	uint32_t	ids[GRAPH_MAX_DEGREE];
	float		distances[GRAPH_MAX_DEGREE];
	int			n = search->source.beside(search->source.arg, id, ids, distances);

	search->distances += (uint64_t) n;
	if (!seen_reserve(search, (size_t) n))
		return false;
	n = drop_refused(search, ids, distances, n);
	return n >= 0 && offer_all(search, ids, distances, n);
}

/* Expands a candidate: reads its node and offers the neighbours. */
static bool
expand(GraphSearch *search, const GraphTaken *taken)
{
	uint32_t	ids[GRAPH_MAX_DEGREE];
	float		estimates[GRAPH_MAX_DEGREE];
	GraphCandidate candidate = taken->candidate;
	GraphFound	found = {candidate.distance, candidate.id, 0, 0};
	GraphSeen  *seen = &search->seen[seen_slot(search, candidate.id)];
	bool		dead = taken->dead;
	int			n;

	if (seen->estimate == -INFINITY)
		return true;			/* a stale entry of a heap */
	seen->estimate = -INFINITY;
	if (!seen_reserve(search, search->source.degree) ||
		(search->source.dead && !note_met(search, dead)))
		return false;
	n = read_node(search, &found, ids, estimates);
	if (!dead)
	{
		if (!reserve(search->memory, (void **) &search->found, &search->found_room,
					 search->found_count + 1, sizeof(GraphFound)) ||
			!note_nearest(search, found.distance))
			return false;
		search->found[search->found_count++] = found;
	}
	n = drop_refused(search, ids, estimates, n);
	if (n < 0)
		return false;
	if (!offer_all(search, ids, estimates, n) ||
		(search->source.beside && !offer_beside(search, candidate.id)))
		return false;
	if (search->source.prefetch)
		prefetch_next(search);
	return true;
}

/* Begins to look beyond the reach: offers what was kept aside. */
static bool
widen(GraphSearch *search)
{
	search->wide = true;
	for (size_t i = 0; i < search->beyond_count; i++)
		if (!seen_reserve(search, 1) || !offer(search, search->beyond[i]))
			return false;
	search->beyond_count = 0;
	return true;
}

bool
graph_search_run(GraphSearch *search, uint32_t max_hops)
{
	uint64_t	before = search->hops;
	GraphTaken	taken;

	for (search->waits = false; search->hops - before < max_hops;)
	{
		if (!take_fetched(search, &taken))
		{
			if (search->waits || search->wide || search->wanted == 0 || is_out_of_patience(search))
				return true;
			if (!widen(search))
				return false;
		}
		else if (!expand(search, &taken))
			return false;
	}
	return true;
}

bool
graph_search_extend(GraphSearch *search, uint32_t wanted, float reach)
{
	uint64_t	gained = search->gained;

	if (wanted <= search->wanted)
		return true;
	search->wanted = wanted;
	search->reach = search->dense_reach = reach;
	search->nearest.count = 0;
	for (size_t i = 0; i < search->found_count; i++)
		if (!note_nearest(search, search->found[i].distance))
			return false;
	search->gained = gained;
	if (!widen(search))
		return false;
	search->wide = false;
	return true;
}

GraphCandidate
graph_search_candidate(const GraphSearch *search, uint32_t place)
{
	GraphCandidate candidate = search->pool[place];

	candidate.id &= ~EXPANDED;
	return candidate;
}

bool
graph_search_expanded(const GraphSearch *search, uint32_t id)
{
	const GraphSeen *seen = search->seen_room > 0 ? &search->seen[seen_slot(search, id)] : NULL;

	return seen && seen->epoch == search->epoch && seen->estimate == -INFINITY;
}

/*
 * For a search that lost candidates, to the pool or to a limit: goes back over the nodes it has
 * expanded and makes their neighbours candidates again.
 */
static bool
reopen(GraphSearch *search)
{
	uint32_t   *expanded = search->memory.resize(search->memory.arg, NULL,
												 (search->seen_count + 1) * sizeof(uint32_t));
	size_t		count = 0;
	bool		done = expanded != NULL;

	for (size_t i = 0; done && i < search->seen_room; i++)
		if (search->seen[i].epoch == search->epoch && search->seen[i].estimate == -INFINITY)
			expanded[count++] = search->seen[i].id;
	search->keep = true;
	search->wanted = 0;
	search->dead.count = 0;
	search->kept.count = 0;
	forget_seen(search);
	for (; search->seen_count < count; search->seen_count++)
	{
		uint32_t	id = expanded[search->seen_count];

		search->seen[seen_slot(search, id)] = (GraphSeen) {id, search->epoch, -INFINITY};
	}
	for (size_t i = 0; done && i < count; i++)
	{
		uint32_t	ids[GRAPH_MAX_DEGREE];
		float		estimates[GRAPH_MAX_DEGREE];
		GraphFound	found = {0, expanded[i], 0, 0};

		if (search->source.fetch && i % GRAPH_BEAM == 0)
			search->source.fetch(search->source.arg, expanded + i,
								 (int) (count - i < GRAPH_BEAM ? count - i : GRAPH_BEAM));
		done = seen_reserve(search, search->source.degree) &&
			offer_all(search, ids, estimates, read_node(search, &found, ids, estimates));
	}
	if (expanded)
		search->memory.resize(search->memory.arg, expanded, 0);
	return done;
}

bool
graph_search_more(GraphSearch *search)
{
	search->pool_count = 0;
	search->next = 0;
	search->found_count = 0;
	if (!search->keep || search->wanted > 0)
	{
		if (!reopen(search))
			return false;
	}
	while (search->kept.count > 0 && search->pool_count < search->ef)
	{
		GraphCandidate candidate = graph_heap_pop(&search->kept);
		const GraphSeen *seen = &search->seen[seen_slot(search, candidate.id)];

		/* a stale entry: the node has been offered again with a better estimate */
		if (seen->estimate != candidate.distance)
			continue;
		if (search->source.dead && search->source.dead(search->source.arg, candidate.id))
		{
			if (!graph_heap_push(&search->dead, search->memory, candidate))
				return false;
		}
		else
			search->pool[search->pool_count++] = candidate;
	}
	return search->pool_count > 0 || search->dead.count > 0;
}

/* Insertion sort: a search finds nodes nearly in order. */
void
graph_sort_found(GraphFound *found, size_t n)
{
	for (size_t i = 1; i < n; i++)
	{
		GraphFound	item = found[i];
		size_t		k = i;

		for (; k > 0 && found[k - 1].distance > item.distance; k--)
			found[k] = found[k - 1];
		found[k] = item;
	}
}

int
graph_search_ahead(const GraphSearch *search, GraphCandidate *candidates, int n)
{
	int			count = 0;

	for (uint32_t i = search->next; i < search->pool_count && count < n; i++)
		if (!(search->pool[i].id & EXPANDED))
			candidates[count++] = search->pool[i];
	return count;
}

size_t
graph_search_growth(const GraphSearch *search, size_t more)
{
	size_t		seen = seen_room_for(search, more) - search->seen_room;
	size_t		kept = search->kept.room < search->kept.count + more ? search->kept.room : 0;

	return seen * sizeof(GraphSeen) + kept * sizeof(GraphCandidate);
}
