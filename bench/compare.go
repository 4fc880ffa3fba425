package main

// compareSeconds makes a table of whole runs. The first contestant is the limit.
func compareSeconds(title, limit string, contestants []contestant, results []series) table {
	t := table{title: title, header: []string{
		"", "min s", "median s", "max s", "speed × " + limit, "by minimums", "CPU s", "CPU × " + limit, "peak MiB",
	}}
	first := results[0]
	for i, s := range results {
		wall, cpu := s.of(wallSeconds), s.of(cpuSeconds)
		t.row(contestants[i].name, number(wall.least), number(wall.median), number(wall.most),
			times(speed(first, s)), times(ratio(first.of(wallSeconds).least, wall.least)),
			number(cpu.median), times(ratio(cpu.median, first.of(cpuSeconds).median)),
			peak(s))
	}
	t.hideEmpty()
	t.note("rounds: %d", len(first))
	return t
}

// compareEach makes a table of what one unit of work costs, in nanoseconds.
func compareEach(title, unit, limit string, contestants []contestant, results []series) table {
	t := table{title: title, header: []string{
		"ns each " + unit, "min", "median", "max", "time × " + limit, "CPU", "CPU × " + limit, "allocations",
	}}
	first := results[0]
	for i, s := range results {
		wall, cpu := s.of(wallEach), s.of(cpuEach)
		t.row(contestants[i].name, number(wall.least), number(wall.median), number(wall.most),
			times(ratio(wall.median, first.of(wallEach).median)),
			number(cpu.median), times(ratio(cpu.median, first.of(cpuEach).median)),
			number(s.of(allocsEach).median))
	}
	t.note("rounds: %d, of %d each", len(first), first[0].units)
	return t
}

// speed returns how fast s is beside limit, by medians: 2 is twice as fast.
func speed(limit, s series) float64 {
	return ratio(limit.of(wallSeconds).median, s.of(wallSeconds).median)
}

func peak(s series) string {
	most := s.of(peakMiB).most
	if most == 0 {
		return missing
	}
	return number(most)
}
