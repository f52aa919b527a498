// What happens once: a channel that is closed, a WaitGroup and a sync.Once.
//
// SPDX-License-Identifier: MIT

package main

import (
	"runtime"
	"sync"
)

const (
	looks   = 1_000_000
	waiters = 1_000
	rounds  = 100
	parties = 8
	latches = 50_000
	times   = 500_000
)

// What is closed can be received from at once, by everybody and for ever.
type event chan struct{}

func (e event) set()  { close(e) }
func (e event) wait() { <-e }

func waitForWhatIsSet() {
	happened := make(event)
	happened.set()
	for i := 0; i < looks; i++ {
		happened.wait()
	}
}

// As ours does: whoever sets an event has yielded once, so nearly all wait.
func wakeAll() {
	var events [rounds]event
	for i := range events {
		events[i] = make(event)
	}
	all := start(waiters, func(int) {
		for _, each := range events {
			each.wait()
		}
	})
	for _, each := range events {
		runtime.Gosched()
		each.set()
	}
	all.Wait()
}

func countDownAll() {
	groups := make([]sync.WaitGroup, latches)
	for i := range groups {
		groups[i].Add(parties)
	}
	all := start(parties, func(int) {
		for i := range groups {
			groups[i].Done()
			runtime.Gosched()
		}
	})
	for i := range groups {
		groups[i].Wait()
	}
	all.Wait()
}

func doAgain() {
	var once sync.Once
	done := 0
	for i := 0; i < times; i++ {
		once.Do(func() { done++ })
	}
	must(done == 1, "it was done again")
}

func init() {
	onWorkers("sync/event_is_set", looks, waitForWhatIsSet)
	onWorkers("sync/event_wake_all", waiters*rounds, wakeAll)
	onWorkers("sync/latch8", parties*latches, countDownAll)
	onWorkers("sync/once_do", times, doAgain)
}
