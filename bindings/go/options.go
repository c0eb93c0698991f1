package quarrel

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/prometheus/common/promslog"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

const defaultLookbackDelta = 5 * time.Minute

// Options are the options of an [Engine].
type Options struct {
	// EngineOpts are promql.Engine's options. A MaxSamples of 0 is quarrel's
	// default of 50,000,000, and a Timeout of 0 is none. A Parser decides which
	// texts are queries; one that is not package parser's own decides by the
	// expression that it gives, which is then printed and given to quarrel.
	promql.EngineOpts

	// ParserOptions are those of the parser if there is no EngineOpts.Parser.
	ParserOptions parser.Options

	// NoChunkQuerier reads a storage through its Querier although it is a
	// storage.ChunkQueryable, too: for one whose ChunkQuerier does not give what
	// its Querier does, such as a wrapper that embeds a storage and has a
	// Querier of its own.
	NoChunkQuerier bool

	// Threads is how many threads compute; 0: one for each core.
	Threads int
	// MaxMemory is how many bytes one query may hold; 0: no limit.
	MaxMemory uint64
	// MaxSeries is how many series a result may have; 0: no limit.
	MaxSeries uint64
}

func (o *Options) check() error {
	if o.MaxSamples < 0 || o.Threads < 0 || o.Timeout < 0 {
		return errors.New("quarrel: a limit is negative")
	}
	return nil
}

// complete sets what is not set.
func (o *Options) complete() {
	if o.Logger == nil {
		o.Logger = promslog.NewNopLogger()
	}
	if o.LookbackDelta <= 0 {
		o.LookbackDelta = defaultLookbackDelta
		o.Logger.Debug("Lookback delta is zero, setting to default value", "value", defaultLookbackDelta)
	}
	if o.Parser == nil {
		o.Parser = parser.NewParser(o.ParserOptions)
		return
	}
	// What the parser lets through is allowed.
	o.ParserOptions = parser.Options{
		EnableExperimentalFunctions: true, EnableBinopFillModifiers: true, EnableUnquotedUTF8Names: true,
	}
}

// plainParser is the type of package parser's own parsers.
var plainParser = reflect.TypeOf(parser.NewParser(parser.Options{}))

// rewrites tells whether the parser may give another expression than its text is.
func (o *Options) rewrites() bool { return reflect.TypeOf(o.Parser) != plainParser }

// encode makes the message that rust/src/options.rs reads.
func (o *Options) encode() []byte {
	var flags uint32
	for i, on := range []bool{
		o.ParserOptions.EnableExperimentalFunctions,
		o.ParserOptions.EnableBinopFillModifiers,
		o.ParserOptions.EnableUnquotedUTF8Names,
		o.EnableDelayedNameRemoval,
		o.EnableTypeAndUnitLabels,
		o.EnablePerStepStats,
		o.EnableAtModifier,
		o.EnableNegativeOffset,
	} {
		if on {
			flags |= 1 << i
		}
	}
	var w writer
	w.u32(abiVersion)
	w.u32(flags)
	w.i64(o.LookbackDelta.Milliseconds())
	w.u64(uint64(o.MaxSamples))
	w.u64(o.MaxMemory)
	w.u64(o.MaxSeries)
	w.u64(o.maxConcurrency())
	w.u32(uint32(o.Threads))
	return w.bytes
}

// maxConcurrency is how many queries run at once: the tracker's limit, and none
// without a tracker.
func (o *Options) maxConcurrency() uint64 {
	if o.ActiveQueryTracker != nil {
		if most := o.ActiveQueryTracker.GetMaxConcurrent(); most > 0 {
			return uint64(most)
		}
	}
	return 1 << 20
}

// subqueryStep is the step of a subquery without a step.
func (o *Options) subqueryStep(rangeMillis int64) (int64, error) {
	if o.NoStepSubqueryIntervalFn == nil {
		return time.Minute.Milliseconds(), nil
	}
	step := o.NoStepSubqueryIntervalFn(rangeMillis)
	if step <= 0 {
		return 0, fmt.Errorf("quarrel: a step of %d ms for a subquery over %d ms", step, rangeMillis)
	}
	return step, nil
}
