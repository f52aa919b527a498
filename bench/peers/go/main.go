// The questions of bench/, asked of Go; and a writer of Google Benchmark's
// JSON, a line for each repetition.
//
// Workers are GOMAXPROCS: so many threads run goroutines at a time.
//
// SPDX-License-Identifier: MIT

package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"
)

// A question is asked in batches; one goes through `items` of what is counted.
type question struct {
	name    string
	workers int
	items   int64
	// Does one batch; what it took, or 0 where all of it counts.
	batch func() time.Duration
	// How many batches, or 0 where time decides.
	batches int
	// What is counted besides, if anything.
	counters func() map[string]float64
}

// all is filled by the other files.
var all []question

// onWorkers asks for one worker and for two, all of each batch.
func onWorkers(name string, items int64, batch func()) {
	for workers := 1; workers <= 2; workers++ {
		all = append(all, question{
			name:    fmt.Sprintf("%s/go/%d", name, workers),
			workers: workers,
			items:   items,
			batch:   func() time.Duration { batch(); return 0 },
		})
	}
}

func must(isSo bool, orElse string) {
	if !isSo {
		panic(orElse)
	}
}

// processorTime is that of all threads of the process.
func processorTime() time.Duration {
	var usage syscall.Rusage
	must(syscall.Getrusage(syscall.RUSAGE_SELF, &usage) == nil, "getrusage")
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// ask repeats the batch until it has taken `atLeast`.
func (q question) ask(atLeast time.Duration) (real, cpu time.Duration,
	items int64) {
	for batches := 1; ; batches++ {
		cpuBefore, before := processorTime(), time.Now()
		elapsed := q.batch()
		if elapsed == 0 {
			elapsed = time.Since(before)
		}
		real += elapsed
		cpu += processorTime() - cpuBefore
		items += q.items
		if q.batches > 0 && batches >= q.batches ||
			q.batches == 0 && real >= atLeast {
			return real, cpu, items
		}
	}
}

// line is a repetition as Google Benchmark would write it.
func (q question) line(repetition, repetitions int,
	atLeast time.Duration) map[string]any {
	runtime.GOMAXPROCS(q.workers)
	runtime.GC() // What another question left is not this one's to sweep.
	real, cpu, items := q.ask(atLeast)
	line := map[string]any{
		"name":             q.name,
		"run_name":         q.name,
		"run_type":         "iteration",
		"repetitions":      repetitions,
		"repetition_index": repetition,
		"iterations":       items,
		"real_time":        float64(real.Nanoseconds()) / float64(items),
		"cpu_time":         float64(cpu.Nanoseconds()) / float64(items),
		"time_unit":        "ns",
		"items_per_second": float64(items) / real.Seconds(),
	}
	if q.counters != nil {
		for name, value := range q.counters() {
			line[name] = value
		}
	}
	return line
}

func main() {
	list := flag.Bool("list", false, "the names of all rows")
	quick := flag.Bool("quick", false, "measured briefly and once")
	flag.Parse()
	repetitions, atLeast := 5, 200*time.Millisecond
	if *quick {
		repetitions, atLeast = 1, 20*time.Millisecond
	}

	lines := json.NewEncoder(os.Stdout)
	for _, each := range all {
		if *list {
			fmt.Println(each.name)
		}
		if each.name != flag.Arg(0) {
			continue
		}
		if each.batches == 0 {
			// The first has its memory from the system, page by page.
			each.line(0, 1, 0)
		}
		for i := 0; i < repetitions; i++ {
			must(lines.Encode(each.line(i, repetitions, atLeast)) == nil,
				"nobody reads what was measured")
		}
	}
}
