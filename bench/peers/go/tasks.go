// Goroutines that yield, begin and end, wake each other, and wait.
//
// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	turns      = 1_000_000
	spawns     = 1_000_000
	roundTrips = 500_000
	waiting    = 1_000_000
	wakes      = 2000
)

// start runs so many goroutines, which the group waits for.
func start(goroutines int, body func(number int)) *sync.WaitGroup {
	group := new(sync.WaitGroup)
	group.Add(goroutines)
	for i := 0; i < goroutines; i++ {
		go func(number int) {
			body(number)
			group.Done()
		}(i)
	}
	return group
}

// together runs so many goroutines and waits for all of them.
func together(goroutines int, body func(number int)) {
	start(goroutines, body).Wait()
}

// beside runs one function in a goroutine of its own and one in ours, until
// both have ended.
func beside(other, mine func()) {
	ended := make(chan struct{})
	go func() {
		other()
		close(ended)
	}()
	mine()
	<-ended
}

func yieldToEachOther(goroutines int) {
	together(goroutines, func(int) {
		for i := 0; i < turns/goroutines; i++ {
			runtime.Gosched()
		}
	})
}

func spawnAndJoin() {
	var group sync.WaitGroup
	for i := 0; i < spawns; i++ {
		group.Add(1)
		go group.Done()
		group.Wait()
	}
}

func spawnMillion() {
	var group sync.WaitGroup
	group.Add(spawns)
	for i := 0; i < spawns; i++ {
		go group.Done()
	}
	group.Wait()
}

// A baton is passed without waiting for whoever takes it.
type baton chan struct{}

func newBaton() baton { return make(baton, 1) }
func (b baton) pass() { b <- struct{}{} }
func (b baton) take() { <-b }

func wakeEachOther() {
	ping, pong := newBaton(), newBaton()
	go func() {
		for i := 0; i < roundTrips; i++ {
			ping.take()
			pong.pass()
		}
	}()
	for i := 0; i < roundTrips; i++ {
		ping.pass()
		pong.take()
	}
}

// Whoever asks looks at an atomic without pause and so holds a processor of Go
// for itself; it has two, the other is the worker. When there is nothing to
// run on it, its thread gives up spinning and sleeps.
func wakeSleeping() (elapsed time.Duration) {
	question := newBaton()
	var answered int64
	go func() {
		for i := 0; i < wakes; i++ {
			question.take()
			atomic.AddInt64(&answered, 1)
		}
	}()
	for i := int64(0); i < wakes; i++ {
		for slept := time.Now(); time.Since(slept) < 500*time.Microsecond; {
		}
		begin := time.Now()
		question.pass()
		// The thread yields, as AwaitAnswer in questions.h does and says why.
		for atomic.LoadInt64(&answered) == i {
			syscall.RawSyscall(syscall.SYS_SCHED_YIELD, 0, 0, 0)
		}
		elapsed += time.Since(begin)
	}
	return elapsed
}

// What the runtime has taken for stacks and what the heap has given.
func bytesInUse() float64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return float64(stats.StackInuse + stats.HeapAlloc)
}

// Goroutines that have ended are kept for those that begin, so what a question
// before this one has left counts too.
var (
	bytesAtStart = bytesInUse()
	bytesEach    float64
)

func suspendMany() {
	var begun, ended sync.WaitGroup
	over := make(chan struct{})
	begun.Add(waiting)
	ended.Add(waiting)
	for i := 0; i < waiting; i++ {
		go func() {
			begun.Done()
			<-over
			ended.Done()
		}()
	}
	begun.Wait()
	bytesEach = (bytesInUse() - bytesAtStart) / waiting
	close(over)
	ended.Wait()
}

func init() {
	for _, goroutines := range []int{1, 2, 100} {
		for workers := 1; workers <= 2; workers++ {
			goroutines := goroutines
			all = append(all, question{
				name: fmt.Sprintf("runtime/yield/go/%d/%d", workers,
					goroutines),
				workers: workers,
				items:   turns,
				batch: func() time.Duration {
					yieldToEachOther(goroutines)
					return 0
				},
			})
		}
	}
	onWorkers("runtime/spawn_join", spawns, spawnAndJoin)
	onWorkers("runtime/spawn_million", spawns, spawnMillion)
	onWorkers("runtime/wake_round_trip", roundTrips, wakeEachOther)
	all = append(all, question{
		name: "runtime/wake_sleeping/go", workers: 2, items: wakes,
		batch: wakeSleeping, batches: 1,
	}, question{
		name: "runtime/bytes_per_suspended_task/go", workers: 1,
		items: waiting, batches: 1,
		batch: func() time.Duration { suspendMany(); return 0 },
		counters: func() map[string]float64 {
			return map[string]float64{"bytes": bytesEach}
		},
	})
}
