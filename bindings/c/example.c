/* Runs a range query over three series that the program has itself, and prints the
 * answer. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quarrel.h"

#define SAMPLES 121

static quarrel_text text(const char *s) { return (quarrel_text){s, strlen(s)}; }

/* Ends the program if a call failed. */
static int32_t check(int32_t outcome, const quarrel_reply *reply) {
	if (outcome == QUARREL_FAILED) {
		quarrel_text why = quarrel_failure_text(reply);
		fprintf(stderr, "error %d: %.*s\n", quarrel_failure_kind(reply), (int)why.len, why.data);
		exit(1);
	}
	return outcome;
}

/* What the program has: counters of requests, a sample each 15 s, in the order of
 * their labels. */
static const char *jobs[] = {"api", "api", "web"};
static const char *instances[] = {"a", "b", "a"};

static int equal(quarrel_text t, const char *s) { return t.len == strlen(s) && memcmp(t.data, s, t.len) == 0; }

/* Whether series i satisfies the matchers, which in this program are equalities. */
static int matches(const quarrel_select *select, int i) {
	for (size_t m = 0; m < select->count; m++) {
		quarrel_text name = select->matchers[m].name, value = select->matchers[m].value;
		const char *own = equal(name, "__name__") ? "requests_total"
			: equal(name, "instance")         ? instances[i]
			: equal(name, "job")              ? jobs[i]
							  : "";
		if (select->matchers[m].op != QUARREL_EQUAL || !equal(value, own)) {
			return 0;
		}
	}
	return 1;
}

static void feed(uint64_t query) {
	quarrel_reply reply;
	quarrel_select select;
	check(quarrel_query_select(query, &select, &reply), &reply);
	for (int i = 0; i < 3; i++) {
		if (!matches(&select, i)) {
			continue;
		}
		quarrel_label labels[] = {
			{text("__name__"), text("requests_total")},
			{text("instance"), text(instances[i])},
			{text("job"), text(jobs[i])},
		};
		int64_t timestamps[SAMPLES];
		double values[SAMPLES];
		for (int s = 0; s < SAMPLES; s++) {
			timestamps[s] = s * 15000;
			values[s] = (i + 1) * (i + 1) * 15.0 * s;
		}
		check(quarrel_query_series(query, labels, 3, &reply), &reply);
		check(quarrel_query_columns(query, timestamps, values, NULL, SAMPLES, &reply), &reply);
	}
	if (check(quarrel_query_selected(query, &reply), &reply) == QUARREL_SELECT) {
		feed(query);
	}
}

/* Prints a tidy answer whose columns are job, timestamp and value. */
static void print(uint64_t query) {
	quarrel_reply reply;
	struct ArrowSchema schema;
	struct ArrowArray array;
	check(quarrel_query_arrow(query, 1, &schema, &array, &reply), &reply);
	for (int64_t c = 0; c < schema.n_children; c++) {
		printf("%s: %s\n", schema.children[c]->name, schema.children[c]->format);
	}
	const int64_t *timestamps = array.children[array.n_children - 2]->buffers[1];
	const double *values = array.children[array.n_children - 1]->buffers[1];
	for (int64_t row = 0; row < array.length; row++) {
		printf("%" PRId64 " ms: %g\n", timestamps[row], values[row]);
	}
	array.release(&array);
	schema.release(&schema);
}

int main(void) {
	quarrel_reply reply;
	quarrel_options options = {.abi = QUARREL_ABI};
	check(quarrel_engine_open(&options, &reply), &reply);
	uint64_t engine = reply.handle;

	quarrel_query_options asked = {
		.text = text("sum by (job) (rate(requests_total[5m]))"),
		.start_ms = 900000,
		.end_ms = 1800000,
		.step_ms = 450000,
	};
	check(quarrel_query_open(engine, &asked, &reply), &reply);
	uint64_t query = reply.handle;
	while (check(quarrel_query_next(query, 1, &reply), &reply) == QUARREL_SELECT) {
		feed(query);
	}
	print(query);

	check(quarrel_query_free(query, &reply), &reply);
	check(quarrel_engine_free(engine, &reply), &reply);
	check(quarrel_objects(&reply), &reply);
	printf("%" PRIu64 " objects are left\n", reply.handle);
	return 0;
}
