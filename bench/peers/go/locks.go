// sync.Mutex, RWMutex and Cond, and a channel that counts as a semaphore does.
//
// A mutex of Go is not always handed over: whoever asks while it is being
// unlocked may have it before those who wait.
//
// SPDX-License-Identifier: MIT

package main

import (
	"runtime"
	"sync"
)

const (
	locks      = 800_000
	acquires   = 400_000
	visits     = 400_000
	exchanges  = 100_000 // To and fro, by what is waited for under a lock.
	contenders = 8
)

func lockAlone() {
	var mutex sync.Mutex
	counter := 0
	for i := 0; i < locks; i++ {
		mutex.Lock()
		counter++
		mutex.Unlock()
	}
	must(counter == locks, "a lock was not counted")
}

func lockBesideEachOther() {
	var mutex sync.Mutex
	counter := 0
	together(contenders, func(int) {
		for i := 0; i < locks/contenders; i++ {
			mutex.Lock()
			runtime.Gosched()
			counter++
			mutex.Unlock()
		}
	})
	must(counter == locks, "a mutex let two in")
}

// Whoever has put something into it has a permit.
type semaphore chan struct{}

func (s semaphore) acquire() { s <- struct{}{} }
func (s semaphore) release() { <-s }

func acquireAlone() {
	permits := make(semaphore, 1)
	for i := 0; i < acquires; i++ {
		permits.acquire()
		permits.release()
	}
}

func acquireBesideEachOther() {
	permits := make(semaphore, 2)
	together(contenders, func(int) {
		for i := 0; i < acquires/contenders; i++ {
			permits.acquire()
			runtime.Gosched()
			permits.release()
		}
	})
}

func readAlone() {
	var mutex sync.RWMutex
	for i := 0; i < visits; i++ {
		mutex.RLock()
		mutex.RUnlock()
	}
}

func visitTimes(visits int, lock, unlock func()) {
	for i := 0; i < visits; i++ {
		lock()
		runtime.Gosched()
		unlock()
	}
}

func visitBesideEachOther(writers int) {
	var mutex sync.RWMutex
	together(contenders, func(number int) {
		if number < writers {
			visitTimes(visits/contenders, mutex.Lock, mutex.Unlock)
		} else {
			visitTimes(visits/contenders, mutex.RLock, mutex.RUnlock)
		}
	})
}

type table struct {
	mutex  sync.Mutex
	turned sync.Cond
	turn   int
}

func (t *table) play(mine int) {
	for i := 0; i < exchanges; i++ {
		t.mutex.Lock()
		for t.turn != mine {
			t.turned.Wait()
		}
		t.turn = 1 - mine
		t.turned.Signal()
		t.mutex.Unlock()
	}
}

func playByCondition() {
	var both table
	both.turned.L = &both.mutex
	beside(func() { both.play(1) }, func() { both.play(0) })
}

func init() {
	onWorkers("sync/mutex_free", locks, lockAlone)
	onWorkers("sync/mutex_contended8", locks, lockBesideEachOther)
	onWorkers("sync/semaphore_free", acquires, acquireAlone)
	onWorkers("sync/semaphore_contended8", acquires, acquireBesideEachOther)
	onWorkers("sync/shared_mutex_free", visits, readAlone)
	onWorkers("sync/shared_mutex_readers8", visits,
		func() { visitBesideEachOther(0) })
	onWorkers("sync/shared_mutex_mixed8", visits,
		func() { visitBesideEachOther(1) })
	onWorkers("sync/condition_variable_ping_pong", exchanges, playByCondition)
}
