// A sync.Mutex and channels, by goroutines.
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
	locks    = 800_000
	messages = 400_000
	capacity = 1024
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

func lockBeside(goroutines int) {
	var mutex sync.Mutex
	counter := 0
	together(goroutines, func(int) {
		for i := 0; i < locks/goroutines; i++ {
			mutex.Lock()
			runtime.Gosched()
			counter++
			mutex.Unlock()
		}
	})
	must(counter == locks, "a mutex let two in")
}

func total(numbers []int64) (sum int64) {
	for _, number := range numbers {
		sum += number
	}
	return sum
}

var received int64 // So that no receive is for nothing.

func passMessages(senders, receivers int) {
	channel := make(chan int64, capacity)
	var group sync.WaitGroup
	group.Add(senders + receivers)
	for sender := 0; sender < senders; sender++ {
		go func() {
			for i := int64(0); i < int64(messages/senders); i++ {
				channel <- i
			}
			group.Done()
		}()
	}
	sums := make([]int64, receivers)
	for receiver := 0; receiver < receivers; receiver++ {
		go func(receiver int) {
			var sum int64
			for i := 0; i < messages/receivers; i++ {
				sum += <-channel
			}
			sums[receiver] = sum
			group.Done()
		}(receiver)
	}
	group.Wait()
	received += total(sums)
}

func init() {
	onWorkers("sync/mutex_free", locks, lockAlone)
	onWorkers("sync/mutex_contended8", locks, func() { lockBeside(8) })
	onWorkers("sync/channel_1_1_1024", messages, func() { passMessages(1, 1) })
	onWorkers("sync/channel_4_4_1024", messages, func() { passMessages(4, 4) })
}
