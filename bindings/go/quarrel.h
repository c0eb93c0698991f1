/* The C ABI of the Rust crate quarrel-go; rust/src/abi.rs implements it.
 *
 * Bytes that are handed over are copied before a function returns. Handles are
 * numbers that are never used again: a stale one is an error. Where the reply has
 * a handle beside its bytes they are released with quarrel_buffer_free; bytes
 * without a handle are the query's. */
#ifndef QUARREL_H
#define QUARREL_H

#include <stddef.h>
#include <stdint.h>

enum {
	QUARREL_DONE = 0,
	QUARREL_FAILED = 1, /* the reply holds the failure */
	QUARREL_SELECT = 2, /* the reply holds the request for samples */
	QUARREL_NO_REPLY = 3,
	QUARREL_FEED = 4, /* the reply holds which series need their chunks */
	QUARREL_ENOUGH = 5,
	QUARREL_BUSY = 6,
};

/* A new object's handle, or bytes, or nothing. */
typedef struct {
	uint64_t handle;
	uint8_t *data;
	size_t len;
} quarrel_reply;

/* A float at a time, milliseconds. */
typedef struct {
	int64_t timestamp;
	double value;
} quarrel_point;

int32_t quarrel_engine_new(const uint8_t *data, size_t len, quarrel_reply *reply);
int32_t quarrel_engine_free(uint64_t engine, quarrel_reply *reply);

int32_t quarrel_query_new(uint64_t engine, const uint8_t *data, size_t len, quarrel_reply *reply);
int32_t quarrel_query_next(uint64_t query, uint8_t waits, quarrel_reply *reply);
int32_t quarrel_query_part(uint64_t query, size_t least, quarrel_reply *reply);
int32_t quarrel_query_answer(uint64_t query, size_t len, uint8_t last, quarrel_reply *reply);
int32_t quarrel_query_feed(uint64_t query, size_t len, uint8_t last, quarrel_reply *reply);
int32_t quarrel_query_floats(uint64_t query, quarrel_point *points, size_t len, quarrel_reply *reply);
int32_t quarrel_query_cancel(uint64_t query, quarrel_reply *reply);
int32_t quarrel_query_free(uint64_t query, quarrel_reply *reply);

/* How many engines, queries and buffers there are, as the reply's handle. */
int32_t quarrel_objects(quarrel_reply *reply);
int32_t quarrel_buffer_free(uint64_t buffer, quarrel_reply *reply);

#endif
