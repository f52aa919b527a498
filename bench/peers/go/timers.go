// Timers that are armed, a million of them, and stopped.
//
// A timer of Go is made when it is armed: what it takes to allocate it is part
// of the answer, as it is in every program.
//
// SPDX-License-Identifier: MIT

package main

import "time"

const timers = 1_000_000

func armAndStop() (arming, stopping time.Duration) {
	armed := make([]*time.Timer, timers)
	nothing := func() {}
	begin := time.Now()
	for i := range armed {
		delay := time.Minute + time.Hour/timers*time.Duration(i)
		armed[i] = time.AfterFunc(delay, nothing)
	}
	arming = time.Since(begin)
	for _, timer := range armed {
		timer.Stop()
	}
	return arming, time.Since(begin) - arming
}

func init() {
	all = append(all, question{
		name: "runtime/timer_arm/go", workers: 1, items: timers,
		batch: func() time.Duration {
			arming, _ := armAndStop()
			return arming
		},
	}, question{
		name: "runtime/timer_cancel/go", workers: 1, items: timers,
		batch: func() time.Duration {
			_, stopping := armAndStop()
			return stopping
		},
	})
}
