package main

import "slices"

// row is one metric of one case: a line of the table.
type row struct{ name, metric string }

// results has the figures of all rounds. Figures of different contestants with the same
// index are from the same round.
type results struct {
	rows   []row // in the order of their first figures
	values map[row]map[string][]float64
}

func (r *results) add(name, who string, f figures) {
	for metric, v := range f {
		r.put(row{name, metric}, who, v)
	}
}

func (r *results) put(at row, who string, v float64) {
	if r.values == nil {
		r.values = map[row]map[string][]float64{}
	}
	if r.values[at] == nil {
		r.values[at] = map[string][]float64{}
		r.rows = append(r.rows, at)
	}
	r.values[at][who] = append(r.values[at][who], v)
}

// over returns the ratios of a contestant's figures to another's, round by round.
func (r *results) over(at row, who, than string) []float64 {
	return quotients(r.values[at][who], r.values[at][than])
}

func quotients(a, b []float64) []float64 {
	var all []float64
	for i := range min(len(a), len(b)) {
		if b[i] != 0 {
			all = append(all, a[i]/b[i])
		}
	}
	return all
}

// median returns 0 if there are no figures.
func median(figures []float64) float64 {
	if len(figures) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(figures))
	mid := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[mid]
	}
	return (sorted[mid-1] + sorted[mid]) / 2
}

// spread returns the difference between the largest and the smallest figure, in percent
// of their median.
func spread(figures []float64) float64 {
	if m := median(figures); m != 0 {
		return (slices.Max(figures) - slices.Min(figures)) / m * 100
	}
	return 0
}
