/*
 * digest.c - hashes, and whether an object has the bytes that it was written with
 */
#include "pg_compat.h"

#include "common/base64.h"
#include "common/cryptohash.h"
#include "common/md5.h"
#include "common/sha2.h"
#include "miscadmin.h"
#include "port/pg_crc32c.h"
#include "utils/memutils.h"

#include "store/provider.h"

#define BLOCKS_TO_VERIFY 4
#define RANGES_AT_ONCE 4		/* of an object that is read as a whole, each of this size */
#define RANGE_BLOCKS (1024 * 1024 / STORE_BLOCK)

/* ---- hashes ---- */

static void
fail_hash(void)
{
	ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not compute SHA-256")));
}

StoreHash *
store_hash_begin(void)
{
	StoreHash  *hash = pg_cryptohash_create(PG_SHA256);

	if (hash == NULL || pg_cryptohash_init(hash) < 0)
		fail_hash();
	return hash;
}

void
store_hash_add(StoreHash *hash, const void *data, size_t size)
{
	if (pg_cryptohash_update(hash, data, size) < 0)
		fail_hash();
}

void
store_hash_end(StoreHash *hash, uint8 *sha256)
{
	if (pg_cryptohash_final(hash, sha256, STORE_SHA256) < 0)
		fail_hash();
	pg_cryptohash_free(hash);
}

void
store_sha256(const void *data, size_t size, uint8 *digest)
{
	StoreHash  *hash = store_hash_begin();

	store_hash_add(hash, data, size);
	store_hash_end(hash, digest);
}

char *
store_base64(const void *bytes, int size)
{
	int			room = pg_b64_enc_len(size);
	char	   *text = palloc(room + 1);
	int			length = pg_b64_encode(bytes, size, text, room);

	text[Max(length, 0)] = '\0';
	return text;
}

char *
store_md5(const void *data, size_t size)
{
	uint8		digest[MD5_DIGEST_LENGTH];
	pg_cryptohash_ctx *context = pg_cryptohash_create(PG_MD5);
	bool		hashed = context != NULL && pg_cryptohash_init(context) >= 0 &&
		pg_cryptohash_update(context, data, size) >= 0 &&
		pg_cryptohash_final(context, digest, sizeof(digest)) >= 0;

	pg_cryptohash_free(context);
	return hashed ? store_base64(digest, sizeof(digest)) : NULL;
}

void
store_hex(const uint8 *bytes, size_t size, char *hex)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < size; i++)
	{
		hex[2 * i] = digits[bytes[i] >> 4];
		hex[2 * i + 1] = digits[bytes[i] & 15];
	}
	hex[2 * size] = '\0';
}

uint32
store_crc(const void *data, size_t size)
{
	pg_crc32c	crc;

	INIT_CRC32C(crc);
	COMP_CRC32C(crc, data, size);
	FIN_CRC32C(crc);
	return crc;
}

/* ---- verifying ---- */

/* Whether the store has an object of this size. */
static bool
has_size(Store *store, const char *key, uint64 size, StoreObject *object, StoreError *outcome)
{
	return store_head(store, key, object, outcome) &&
		(object->size == size ||
		 store_fail(outcome, STORE_DAMAGED,
					"the object has " UINT64_FORMAT " bytes in place of " UINT64_FORMAT,
					object->size, size));
}

bool
store_verify(Store *store, const char *key, uint64 size, const StoreDigest *digest,
			 StoreError *error)
{
	StoreRange	ranges[BLOCKS_TO_VERIFY];
	StoreObject object;
	StoreError	outcome;
	char	   *data;
	int			count = Min(digest->blocks, BLOCKS_TO_VERIFY);

	if (!has_size(store, key, size, &object, &outcome))
		return store_give_outcome(store, key, &outcome, error);
	if (store->options.encryption != NULL && !object.encrypted)
	{
		store_fail(&outcome, STORE_REFUSED,
				   "the server does not say that it has encrypted the object, as the option "
				   "encryption tells it to");
		return store_give_outcome(store, key, &outcome, error);
	}
	data = palloc(BLOCKS_TO_VERIFY * STORE_BLOCK);
	for (int i = 0; i < count; i++)
	{
		/* the first, the last, and some between */
		uint64		block = count == 1 ? 0 : (uint64) (digest->blocks - 1) * i / (count - 1);

		ranges[i].key = key;
		ranges[i].offset = block * STORE_BLOCK;
		ranges[i].length = Min(STORE_BLOCK, size - ranges[i].offset);
		ranges[i].data = data + i * STORE_BLOCK;
		ranges[i].crcs = digest->crcs + block;
	}
	store_read(store, ranges, count, &outcome);
	pfree(data);
	return store_give_outcome(store, key, &outcome, error);
}

/* Reads the next blocks of an object, some ranges at once, and hashes them; how many bytes. */
static uint64
hash_ranges(Store *store, const StoreRange *next, uint64 left, StoreHash *hash,
			StoreError *outcome)
{
	StoreRange	ranges[RANGES_AT_ONCE];
	uint64		bytes = 0;
	int			count = 0;

	for (; count < RANGES_AT_ONCE && bytes < left; count++)
	{
		ranges[count] = *next;
		ranges[count].offset += bytes;
		ranges[count].length = (uint32) Min(RANGE_BLOCKS * STORE_BLOCK, left - bytes);
		ranges[count].data += bytes;
		ranges[count].crcs += bytes / STORE_BLOCK;
		bytes += ranges[count].length;
	}
	if (!store_read(store, ranges, count, outcome))
		return 0;
	store_hash_add(hash, next->data, bytes);
	return bytes;
}

bool
store_verify_all(Store *store, const char *key, uint64 size, const StoreDigest *digest,
				 StoreError *error)
{
	StoreObject object;
	StoreError	outcome;
	StoreHash  *hash;
	uint8		sha256[STORE_SHA256];
	StoreRange	next = {.key = key, .crcs = digest->crcs};

	if (!has_size(store, key, size, &object, &outcome))
		return store_give_outcome(store, key, &outcome, error);
	hash = store_hash_begin();
	next.data = palloc(RANGES_AT_ONCE * RANGE_BLOCKS * STORE_BLOCK);
	while (next.offset < size && outcome.kind == STORE_OK)
	{
		uint64		bytes = hash_ranges(store, &next, size - next.offset, hash, &outcome);

		next.offset += bytes;
		next.crcs += bytes / STORE_BLOCK;
		CHECK_FOR_INTERRUPTS();
	}
	pfree(next.data);
	store_hash_end(hash, sha256);
	if (outcome.kind == STORE_OK && memcmp(sha256, digest->sha256, STORE_SHA256) != 0)
		store_fail(&outcome, STORE_DAMAGED, "the bytes do not have the SHA-256 that was kept when "
				   "they were written");
	return store_give_outcome(store, key, &outcome, error);
}
