// Channels: many messages across one, one to and fro, and one for each reply.
//
// SPDX-License-Identifier: MIT

package main

import "sync"

const (
	messages = 400_000
	replies  = 200_000
	capacity = 1024
)

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

func playPingPong() {
	balls, returns := make(chan int64, 1), make(chan int64, 1)
	beside(func() {
		for i := 0; i < messages; i++ {
			returns <- <-balls
		}
	}, func() {
		for i := int64(0); i < messages; i++ {
			balls <- i
			received += <-returns
		}
	})
}

// What carries one value is a channel with room for it.
func newReply() chan int64 { return make(chan int64, 1) }

func receiveWhatIsThere() {
	for i := int64(0); i < replies; i++ {
		reply := newReply()
		reply <- i
		received += <-reply
	}
}

func askForReplies() {
	requests := make(chan chan int64, 1)
	beside(func() {
		for i := int64(0); i < replies; i++ {
			reply := <-requests
			reply <- i
		}
	}, func() {
		for i := 0; i < replies; i++ {
			reply := newReply()
			requests <- reply
			received += <-reply
		}
	})
}

func init() {
	onWorkers("sync/channel_1_1_1024", messages, func() { passMessages(1, 1) })
	onWorkers("sync/channel_4_4_1024", messages, func() { passMessages(4, 4) })
	onWorkers("sync/channel_ping_pong", messages, playPingPong)
	onWorkers("sync/one_shot_ready", replies, receiveWhatIsThere)
	onWorkers("sync/one_shot_reply", replies, askForReplies)
}
