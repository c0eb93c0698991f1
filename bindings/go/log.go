package quarrel

import (
	"context"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/util/stats"
)

// SetQueryLogger sets where queries are logged, in the place of the logger of
// before, which is closed; nil ends the log.
func (e *Engine) SetQueryLogger(l promql.QueryLogger) {
	e.loggerMutex.Lock()
	defer e.loggerMutex.Unlock()
	if e.queryLogger != nil {
		if err := e.queryLogger.Close(); err != nil {
			e.options.Logger.Warn("Error while closing the previous query log file", "err", err)
		}
	}
	e.queryLogger = l
	enabled := 0.0
	if l != nil {
		enabled = 1
	}
	e.metrics.logEnabled.Set(enabled)
}

// log logs a query that has ended, with the fields that promql.Engine logs.
func (e *Engine) log(ctx context.Context, q *query, err error) {
	e.loggerMutex.RLock()
	defer e.loggerMutex.RUnlock()
	if e.queryLogger == nil {
		return
	}
	date := func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }
	fields := []slog.Attr{slog.Any("params", map[string]any{
		"query": q.text,
		"start": date(q.statement.Start),
		"end":   date(q.statement.End),
		// In seconds, as users ask.
		"step": int64(q.statement.Interval / time.Second),
	})}
	if err != nil {
		fields = append(fields, slog.Any("error", err))
	}
	fields = append(fields, slog.Any("stats", stats.NewQueryStats(q.Stats())))
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		fields = append(fields, slog.Any("spanID", span.SpanID()), slog.Any("traceID", span.TraceID()))
	}
	if origin, ok := ctx.Value(promql.QueryOrigin{}).(map[string]any); ok {
		for key, value := range origin {
			fields = append(fields, slog.Any(key, value))
		}
	}
	slog.New(e.queryLogger).LogAttrs(context.Background(), slog.LevelInfo, "promql query logged", fields...)
}
