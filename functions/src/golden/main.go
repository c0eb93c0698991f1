package main

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand"
	"strconv"
	"time"
)

// random gives floats of all kinds: any bits, decimals, ties between two texts,
// neighbours of powers of two and ten.
func random() (out []float64) {
	r := rand.New(rand.NewSource(1))
	for range 250 {
		any := math.Float64frombits(r.Uint64())
		if !math.IsNaN(any) && !math.IsInf(any, 0) {
			out = append(out, any)
		}
		out = append(out,
			float64(r.Intn(1_000_000))/math.Pow10(r.Intn(12)),
			float64(r.Int63n(1<<53)|1)/4,
			float64(r.Int63n(1<<52)|1)/8,
			math.Ldexp(1, r.Intn(2000)-1000),
			math.Nextafter(math.Pow10(r.Intn(40)-20), float64(r.Intn(3)-1)*1e300))
	}
	return out
}

func main() {
	vals := []float64{0, math.Copysign(0, -1), 1, -1, 0.5, 1e20, 1e21, 123456789, 1e6, 1e5, 100000.5, 1234567.5, 1e-4, 1e-5, 0.00012345, 123456, 12345678901234567890, math.MaxFloat64, 5e-324, math.Inf(1), math.Inf(-1), math.NaN(), 0.1, 1.0 / 3, 1e22, 2.5, 1e15, 999999, 1000000, 21.5e20, 0.123, 1234, 12, 99.96, 0.999, 9.99, 1e-7, 1.5e-7, 0.000001, 0.00001234}
	for _, v := range vals {
		js := ""
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			b, _ := json.Marshal(v)
			js = string(b)
		}
		fmt.Printf("F %016x %s %s %.2g %f %s\n", math.Float64bits(v), strconv.FormatFloat(v, 'f', -1, 64), strconv.FormatFloat(v, 'g', -1, 64), v, v, js)
		if fmt.Sprintf("%v", v) != strconv.FormatFloat(v, 'g', -1, 64) || fmt.Sprintf("%g", v) != strconv.FormatFloat(v, 'g', -1, 64) {
			fmt.Println("DIFF", v, fmt.Sprintf("%v %g", v, v), strconv.FormatFloat(v, 'g', -1, 64))
		}
	}
	for _, v := range random() {
		js, _ := json.Marshal(v)
		fmt.Printf("R %016x %s %s\n", math.Float64bits(v), strconv.FormatFloat(v, 'g', -1, 64), js)
	}
	for _, s := range []string{"+Inf", "inf", "-infinity", "INFINITY", "nan", "+nan", "-NaN", "0.5e1", "0x1p-2", "0X1.8P1", "0x1", "0x_1p0", "0x1_0p0", "1_0", "1__0", "_1", "1e1_0", "0x.8p0", "0x.p0", "0x1p", "0x1p+4", "1e999", "-1e999", "1e-999", "0x1p-1080", "0x1.fffffffffffff8p0", "0x1.fffffffffffff7p0", "0x1.ffffffffffffffffffffp1023", "0x1p1024", "0x123456789abcdef01p0", "0x1.00000000000008p0", "0x1.000000000000080000001p0", "0x0.8p-1074", "0x0.80001p-1074", "0x1.8p-1074", "", "+", "-", ".", "1.", ".5", "1.e3", "e3", "1e", "1e+", "1 ", "infi", "i", "0b1", "0o7", "1e5", "00012", "1d", "0x1p99999999999", "0x0p99999999999", "1e99999999999", "0e99999999999", "1e-99999999999", "0x1.8p-1023", "0x1.fffffffffffffp-1023", "0_1", "0_x1p0", "0x1p1_0"} {
		v, err := strconv.ParseFloat(s, 64)
		e := "ok"
		if err != nil {
			e = "err"
		}
		fmt.Printf("P %q %016x %s\n", s, math.Float64bits(v), e)
	}
	for _, s := range []int64{math.MinInt64, math.MinInt64 + 1, -1 << 62, 1 << 62, math.MaxInt64 - 1000, -62135596800, -1, 0, 1709210096, 951782400, 4102444800, -2208988800, 253402300800, 9223372036854775000, -9223372036854774000, 1e15, -1e15, 1583020800, 67767976233532799, -67768040609740800} {
		t := time.Unix(s, 0).UTC()
		dim := 32 - time.Date(t.Year(), t.Month(), 32, 0, 0, 0, 0, time.UTC).Day()
		fmt.Printf("D %d %d %d %d %d %d %d %d %d\n", s, t.Year(), t.Month(), t.Day(), t.Weekday(), t.YearDay(), dim, t.Hour(), t.Minute())
	}
	for _, p := range [][2]float64{{2, 10}, {2, 0.5}, {2, -0.5}, {-8, 1.0 / 3}, {-2, 3}, {-2, -3}, {0, -1}, {math.Copysign(0, -1), -1}, {math.Copysign(0, -1), -2}, {math.Copysign(0, -1), 3}, {0, 0.5}, {math.Inf(1), -1}, {math.Inf(-1), 3}, {math.Inf(-1), 2}, {math.Inf(-1), -3}, {math.Inf(-1), 0.5}, {-1, math.Inf(1)}, {-1, math.Inf(-1)}, {0.5, math.Inf(1)}, {2, math.Inf(-1)}, {2, math.Inf(1)}, {1.0000001, 1e9}, {0.9999999, 1e10}, {10, 308}, {10, 309}, {10, -323}, {10, -330}, {1.5, 2.7}, {3.7, -5.3}, {1e-300, 1.1}, {1e300, -1.1}, {-1, 1e300}, {1.1, 1e300}, {0.9, 1e300}, {-1.1, 1e300}, {2, 1074}, {2, -1074}, {2, -1075}, {math.NaN(), 0}, {1, math.NaN()}, {math.NaN(), 1}, {-1, 1e15}, {7, 0.51}, {5e-324, 0.25}, {math.MaxFloat64, 1.0000001}, {-3, 1e18}, {1.0000000000000002, 1e16}, {2, 0.9999}, {math.Inf(-1), -0.5}, {123.456, math.Pi}} {
		fmt.Printf("W %016x %016x %016x\n", math.Float64bits(p[0]), math.Float64bits(p[1]), math.Float64bits(math.Pow(p[0], p[1])))
	}
	xs := []float64{0, math.Copysign(0, -1), 1, -1, 0.5, -0.5, 1.0000001, 0.9999999, 2, 8, 10, 100, 1000, 1e-310, 5e-324, 1e308, -1e308, math.Inf(1), math.Inf(-1), math.NaN(), 0.1, 709.5, 710.2, -710.2, 1e-9, 21.5, 1e15, 1e22, 3.3, -3.3, 1.5, 7, 64}
	fs := []struct {
		n string
		f func(float64) float64
	}{{"acos", math.Acos}, {"acosh", math.Acosh}, {"asin", math.Asin}, {"asinh", math.Asinh}, {"atan", math.Atan}, {"atanh", math.Atanh}, {"ceil", math.Ceil}, {"cos", math.Cos}, {"cosh", math.Cosh}, {"exp", math.Exp}, {"floor", math.Floor}, {"ln", math.Log}, {"log10", math.Log10}, {"log2", math.Log2}, {"sin", math.Sin}, {"sinh", math.Sinh}, {"sqrt", math.Sqrt}, {"tan", math.Tan}, {"tanh", math.Tanh}, {"deg", func(v float64) float64 { return v * (180 / math.Pi) }}, {"rad", func(v float64) float64 { return v * (math.Pi / 180) }}}
	for _, f := range fs {
		for _, x := range xs {
			fmt.Printf("M %s %016x %016x\n", f.n, math.Float64bits(x), math.Float64bits(f.f(x)))
		}
	}
	ys := []float64{0, math.Copysign(0, -1), 1, -2.5, math.Inf(1), math.Inf(-1), math.NaN()}
	for _, a := range ys {
		for _, b := range ys {
			fmt.Printf("B %016x %016x %016x %016x %016x %016x\n", math.Float64bits(a), math.Float64bits(b), math.Float64bits(math.Max(a, b)), math.Float64bits(math.Min(a, b)), math.Float64bits(math.Mod(a, b)), math.Float64bits(math.Atan2(a, b)))
		}
	}
	for _, f := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e300, -1e300, 9.3e18, -9.3e18, -1.5, 1.9} {
		fmt.Printf("I %016x %d\n", math.Float64bits(f), int64(f))
	}
}
