// Command thanosproto writes one message of each kind of Thanos's gRPC APIs, encoded by
// Thanos's own code, with every field set. The Rust side of these messages (the crate
// proto) decodes and encodes them in its tests.
//
//	go run -tags slicelabels . > ../../../proto/testdata/messages.txt
//
// A line is the message's name, the number of the variant (which of the alternatives of
// each oneof is set), and the bytes in hexadecimal digits.
package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/thanos-io/thanos/pkg/api/query/querypb"
	"github.com/thanos-io/thanos/pkg/exemplars/exemplarspb"
	"github.com/thanos-io/thanos/pkg/info/infopb"
	"github.com/thanos-io/thanos/pkg/metadata/metadatapb"
	"github.com/thanos-io/thanos/pkg/rules/rulespb"
	"github.com/thanos-io/thanos/pkg/store/storepb"
	"github.com/thanos-io/thanos/pkg/store/storepb/prompb"
	"github.com/thanos-io/thanos/pkg/targets/targetspb"
)

type message interface {
	Marshal() ([]byte, error)
}

// messages are those that are sent as such; others are inside of them.
var messages = []message{
	&infopb.InfoRequest{},
	&infopb.InfoResponse{},
	&querypb.QueryRequest{},
	&querypb.QueryResponse{},
	&querypb.QueryRangeRequest{},
	&querypb.QueryRangeResponse{},
	&storepb.SeriesRequest{},
	&storepb.SeriesResponse{},
	&storepb.LabelNamesRequest{},
	&storepb.LabelNamesResponse{},
	&storepb.LabelValuesRequest{},
	&storepb.LabelValuesResponse{},
	&rulespb.RulesRequest{},
	&rulespb.RulesResponse{},
	&targetspb.TargetsRequest{},
	&targetspb.TargetsResponse{},
	&metadatapb.MetricMetadataRequest{},
	&metadatapb.MetricMetadataResponse{},
	&exemplarspb.ExemplarsRequest{},
	&exemplarspb.ExemplarsResponse{},
	&prompb.TimeSeries{},
	&prompb.ReadRequest{},
	&prompb.ReadResponse{},
	&prompb.ChunkedReadResponse{},
}

// variants are enough for all combinations of the alternatives of a message.
const variants = 16

func main() {
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for _, m := range messages {
		seen := map[string]bool{}
		for variant := range variants {
			filled := reflect.New(reflect.TypeOf(m).Elem())
			(&filler{rest: variant, chosen: map[reflect.Type]int{}}).fill(filled.Elem(), nil)
			bytes, err := filled.Interface().(message).Marshal()
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			text := hex.EncodeToString(bytes)
			if seen[text] {
				continue
			}
			seen[text] = true
			name := strings.TrimPrefix(fmt.Sprintf("%T", m), "*")
			fmt.Fprintf(out, "%s %d %s\n", name, variant, text)
		}
	}
}

// filler gives each field a value of its own, which is never its type's zero.
type filler struct {
	// rest is what is left of the variant's number, of which each kind of oneof takes
	// a digit.
	rest   int
	chosen map[reflect.Type]int
	next   int64
}

func (f *filler) number() int64 {
	f.next++
	return f.next
}

// fill sets a value. The alternatives of an interface are those of the message that it
// is a field of.
func (f *filler) fill(v reflect.Value, parent any) {
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(time.Unix(f.number(), f.number()).UTC()))
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.String:
		v.SetString(fmt.Sprintf("text %d", f.number()))
	case reflect.Int32, reflect.Int64:
		f.integer(v)
	case reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(f.number()))
	case reflect.Float64:
		v.SetFloat(float64(f.number()) + 0.5)
	case reflect.Slice:
		f.slice(v, parent)
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		f.fill(key, parent)
		f.fill(value, parent)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem(), parent)
	case reflect.Interface:
		f.oneof(v, parent)
	case reflect.Struct:
		for i := range v.NumField() {
			field := v.Type().Field(i)
			if field.IsExported() && !strings.HasPrefix(field.Name, "XXX_") {
				f.fill(v.Field(i), v.Addr().Interface())
			}
		}
	default:
		panic(fmt.Sprintf("a field of kind %s", v.Kind()))
	}
}

// integer takes 1 for an enumeration, since all have it, and else negative numbers now
// and then, so that zigzag encoding shows.
func (f *filler) integer(v reflect.Value) {
	number := f.number()
	if v.Type().Name() != "int32" && v.Type().Name() != "int64" {
		v.SetInt(1)
		return
	}
	if number%3 == 0 {
		number = -number
	}
	v.SetInt(number)
}

func (f *filler) slice(v reflect.Value, parent any) {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		v.SetBytes([]byte(fmt.Sprintf("bytes %d", f.number())))
		return
	}
	for range 2 {
		element := reflect.New(v.Type().Elem()).Elem()
		f.fill(element, parent)
		v.Set(reflect.Append(v, element))
	}
}

func (f *filler) oneof(v reflect.Value, parent any) {
	var fitting []reflect.Type
	for _, wrapper := range parent.(interface{ XXX_OneofWrappers() []any }).XXX_OneofWrappers() {
		if t := reflect.TypeOf(wrapper); t.Implements(v.Type()) {
			fitting = append(fitting, t)
		}
	}
	choice, known := f.chosen[v.Type()]
	if !known {
		choice = f.rest % len(fitting)
		f.rest /= len(fitting)
		f.chosen[v.Type()] = choice
	}
	chosen := reflect.New(fitting[choice].Elem())
	f.fill(chosen.Elem(), parent)
	v.Set(chosen)
}
