package querygen

// times picks the evaluation times of the current query.
func (g *Generator) times() {
	s := g.s
	length := s.Maxt - s.Mint
	at := s.Mint + g.r.Int63n(max(length, 1))
	switch n := g.r.Intn(100); {
	case n < 45:
		at -= at % 15_000
	case n < 65:
		at -= at % 60_000
	case n < 67 && !g.o.Past:
		at = s.Maxt + g.r.Int63n(600_000)
	case n < 69:
		at = s.Mint - g.r.Int63n(600_000)
	}
	if at < s.Mint && length < 600_000 {
		at = s.Maxt - g.r.Int63n(length/2+1) // rounding went beyond short data
	}
	if g.chance(50) {
		g.start, g.end, g.step = at, at, 0
		return
	}
	g.step = pick(g.r, []int64{15_000, 15_000, 30_000, 30_000, 60_000, 60_000, 7_000, 1_000, 17_321, 120_000, 300_000, 300_000, 600_000, 3_600_000, 500, 301_000})
	n := int64(g.r.Intn(40))
	if g.chance(10) {
		n = int64(g.r.Intn(200))
	}
	if g.chance(4) {
		n = 0
	}
	g.start = at
	g.end = at + n*g.step
	if g.chance(30) {
		g.end += g.r.Int63n(g.step)
	}
	if over := g.end - s.Maxt; over > 900_000 {
		// Most of the grid lies over data.
		g.start, g.end = g.start-over, g.end-over
	}
	if over := g.end - s.Maxt; over > 0 && g.o.Past {
		g.start, g.end = g.start-over, g.end-over
	}
}

// moment picks a time for @, in milliseconds.
func (g *Generator) moment() int64 {
	at := g.s.Mint + g.r.Int63n(max(g.s.Maxt-g.s.Mint, 1))
	if g.chance(70) {
		at -= at % 15_000
	}
	return at
}
