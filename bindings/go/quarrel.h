/* quarrel: a vectorized PromQL engine, as a C library.
 *
 *   cc program.c $(pkg-config --cflags --libs quarrel)
 *
 * An engine runs queries, and the program that calls it has the samples: a query
 * that needs some stops, the program hands them over, and the query goes on. The
 * engine never calls the program. bindings/c/example.c is a whole program.
 *
 * Every function gives the outcome of the call and fills a reply:
 *
 * - A new object is the reply's handle, a number that is never used again, so that
 *   a stale one is an error. Engines and queries are released by their functions.
 * - Bytes with a handle are a buffer, which quarrel_buffer_free releases. So is the
 *   text of a failure, see quarrel_failure_text.
 * - Bytes without a handle belong to the query; they stay until the next call that
 *   takes it.
 *
 * What is handed over is copied before a function returns. An engine may be used
 * by many threads, a query by one at a time; quarrel_query_cancel may be called from
 * any. No panic gets out of a function: it is a failure. Times are milliseconds. */
#ifndef QUARREL_H
#define QUARREL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of all that is declared here; quarrel_options has it. */
#define QUARREL_ABI 5

/* Outcomes. */
enum {
	QUARREL_DONE = 0,
	QUARREL_FAILED = 1, /* the reply is the failure */
	QUARREL_SELECT = 2, /* a query needs series */
	QUARREL_NO_REPLY = 3, /* the pointer to the reply is null */
	QUARREL_FEED = 4, /* the reply says which series need their chunks */
	QUARREL_ENOUGH = 5,
	QUARREL_BUSY = 6,
};

typedef struct {
	uint64_t handle;
	uint8_t *data;
	size_t len;
} quarrel_reply;

/* Text in UTF-8 with its length, without a zero behind it. */
typedef struct {
	const char *data;
	size_t len;
} quarrel_text;

/* A failure is its kind (a byte), where it is in the query's text (from and to, two
 * numbers of 32 bits) and its text (the length in 32 bits, and the bytes). */
enum {
	QUARREL_ERROR_PARSE = 1,
	QUARREL_ERROR_BAD_DATA = 2,
	QUARREL_ERROR_EXECUTION = 3,
	QUARREL_ERROR_TOO_MANY_SAMPLES = 4,
	QUARREL_ERROR_TIMEOUT = 5,
	QUARREL_ERROR_CANCELED = 6,
	QUARREL_ERROR_STORAGE = 7,
	QUARREL_ERROR_INTERNAL = 8,
	QUARREL_ERROR_TOO_MANY_SERIES = 9,
	QUARREL_ERROR_TOO_MANY_SAMPLES_READ = 10,
};

static inline int quarrel_failure_kind(const quarrel_reply *failed) {
	return failed->len > 0 ? failed->data[0] : 0;
}

static inline quarrel_text quarrel_failure_text(const quarrel_reply *failed) {
	quarrel_text text = {"", 0};
	if (failed->len > 13) {
		text.data = (const char *)failed->data + 13;
		text.len = failed->len - 13;
	}
	return text;
}

int32_t quarrel_buffer_free(uint64_t buffer, quarrel_reply *reply);

/* How many engines, queries and buffers there are, as the reply's handle. */
int32_t quarrel_objects(quarrel_reply *reply);

/* ---- Engines ---- */

enum {
	QUARREL_EXPERIMENTAL_FUNCTIONS = 1 << 0,
	QUARREL_BINOP_FILL_MODIFIERS = 1 << 1,
	QUARREL_UNQUOTED_UTF8_NAMES = 1 << 2,
	QUARREL_DELAYED_NAME_REMOVAL = 1 << 3,
	QUARREL_TYPE_AND_UNIT_LABELS = 1 << 4,
	QUARREL_PER_STEP_STATS = 1 << 5,
	QUARREL_AT_MODIFIER = 1 << 6,
	QUARREL_NEGATIVE_OFFSET = 1 << 7,
};

/* What is 0 is quarrel's default. */
typedef struct {
	uint32_t abi; /* QUARREL_ABI */
	uint32_t flags;
	int64_t lookback_delta_ms; /* 5 min */
	uint64_t max_samples; /* 50,000,000 */
	uint64_t max_memory; /* of one query, bytes; no limit */
	uint64_t max_series; /* of an answer; no limit */
	uint64_t max_concurrency; /* queries that run at once; no limit */
	uint32_t threads; /* one for each core */
} quarrel_options;

int32_t quarrel_engine_open(const quarrel_options *options, quarrel_reply *reply);

/* Running queries continue. */
int32_t quarrel_engine_free(uint64_t engine, quarrel_reply *reply);

/* ---- Queries ----
 *
 * quarrel_query_open, then quarrel_query_next again and again. On QUARREL_SELECT
 * quarrel_query_select says what is asked for, quarrel_query_series begins each
 * series, quarrel_query_columns and quarrel_query_chunk add its samples, and
 * quarrel_query_selected ends the select; then comes the next select, if it says
 * QUARREL_SELECT again, or quarrel_query_next. On QUARREL_DONE the answer is
 * there. */

/* What is 0 is the engine's option. A step_ms of 0 is an instant query at
 * start_ms. */
typedef struct {
	quarrel_text text;
	int64_t start_ms, end_ms, step_ms;
	int64_t lookback_delta_ms;
	int64_t subquery_step_ms; /* of subqueries without a step; 1 min */
	uint64_t max_selected_series; /* no limit */
	uint64_t max_samples_read; /* no limit */
	uint8_t use_start_timestamps;
} quarrel_query_options;

int32_t quarrel_query_open(uint64_t engine, const quarrel_query_options *options, quarrel_reply *reply);

/* Runs a query until it needs something or is done. Where it would wait it is
 * QUARREL_BUSY if waits is 0. */
int32_t quarrel_query_next(uint64_t query, uint8_t waits, quarrel_reply *reply);

/* Ends a query, whose running call fails. */
int32_t quarrel_query_cancel(uint64_t query, quarrel_reply *reply);

int32_t quarrel_query_free(uint64_t query, quarrel_reply *reply);

enum {
	QUARREL_EQUAL = 0,
	QUARREL_NOT_EQUAL = 1,
	QUARREL_REGEX = 2, /* the whole value, in the syntax of Go */
	QUARREL_NOT_REGEX = 3,
};

typedef struct {
	int32_t op;
	quarrel_text name, value;
} quarrel_matcher;

/* Series that satisfy all matchers, with their samples from start_ms to end_ms; more
 * samples are no harm. */
typedef struct {
	int64_t start_ms, end_ms;
	const quarrel_matcher *matchers;
	size_t count;
} quarrel_select;

int32_t quarrel_query_select(uint64_t query, quarrel_select *select, quarrel_reply *reply);

typedef struct {
	quarrel_text name, value;
} quarrel_label;

/* Labels are sorted by name, and series come in the order of their labels. */
int32_t quarrel_query_series(uint64_t query, const quarrel_label *labels, size_t count, quarrel_reply *reply);

/* Floats in order of time. starts is null, or has for each sample when its counter
 * began, or 0. Prometheus's stale marker is a NaN of the bits 0x7ff0000000000002. */
int32_t quarrel_query_columns(uint64_t query, const int64_t *timestamps, const double *values, const int64_t *starts, size_t len, quarrel_reply *reply);

/* The bytes of a Prometheus chunk, without length, encoding and checksum around
 * them, by the number of its encoding there. */
enum {
	QUARREL_XOR = 1,
	QUARREL_HISTOGRAM = 2,
	QUARREL_FLOAT_HISTOGRAM = 3,
	QUARREL_XOR2 = 4,
	QUARREL_HISTOGRAM_ST = 5,
	QUARREL_FLOAT_HISTOGRAM_ST = 6,
};

int32_t quarrel_query_chunk(uint64_t query, uint8_t encoding, const uint8_t *data, size_t len, int64_t start_ms, int64_t end_ms, quarrel_reply *reply);

int32_t quarrel_query_selected(uint64_t query, quarrel_reply *reply);

/* ---- Answers ----
 *
 * The Arrow C data interface, https://arrow.apache.org/docs/format/CDataInterface.html */
#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

struct ArrowSchema {
	const char *format;
	const char *name;
	const char *metadata;
	int64_t flags;
	int64_t n_children;
	struct ArrowSchema **children;
	struct ArrowSchema *dictionary;
	void (*release)(struct ArrowSchema *);
	void *private_data;
};

struct ArrowArray {
	int64_t length;
	int64_t null_count;
	int64_t offset;
	int64_t n_buffers;
	int64_t n_children;
	const void **buffers;
	struct ArrowArray **children;
	struct ArrowArray *dictionary;
	void (*release)(struct ArrowArray *);
	void *private_data;
};
#endif

/* The answer as a struct array. A row is a series, with the columns labels,
 * timestamps, values and, if there are any, histograms; if tidy is not 0 it is a
 * sample, with a column for each label, timestamp, value and histogram
 * (docs/embedding.md). The program releases both, before or after the query. */
int32_t quarrel_query_arrow(uint64_t query, uint8_t tidy, struct ArrowSchema *schema, struct ArrowArray *array, quarrel_reply *reply);

/* Warning index of the answer, counted from 0, and behind the warnings its infos, as
 * a buffer; the reply is empty behind the last. */
int32_t quarrel_query_warning(uint64_t query, size_t index, quarrel_reply *reply);

/* ---- What the Go module calls ----
 *
 * The same in fewer calls: with messages, whose fields rust/src/options.rs and
 * storage.rs name, with series in the form of rust/src/samples.rs, which are written
 * into memory of the query, and with answers in that of rust/src/answer.rs. */

/* A float at a time. */
typedef struct {
	int64_t timestamp;
	double value;
} quarrel_point;

int32_t quarrel_engine_new(const uint8_t *data, size_t len, quarrel_reply *reply);
int32_t quarrel_query_new(uint64_t engine, const uint8_t *data, size_t len, quarrel_reply *reply);
int32_t quarrel_query_part(uint64_t query, size_t least, quarrel_reply *reply);
int32_t quarrel_query_answer(uint64_t query, size_t len, uint8_t last, quarrel_reply *reply);
int32_t quarrel_query_feed(uint64_t query, size_t len, uint8_t last, quarrel_reply *reply);
int32_t quarrel_query_floats(uint64_t query, quarrel_point *points, size_t len, quarrel_reply *reply);

#ifdef __cplusplus
}
#endif

#endif
