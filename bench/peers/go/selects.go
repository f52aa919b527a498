// What does it cost to receive from whichever of many channels has something?
//
//     select2_ready   one task fills 2 channels of capacity 1024 without
//                     waiting, and selects until both are empty; and again,
//                     524,288 selects in all. One is a select that finds
//                     something, and the send that put it there.
//     select2_parked  two tasks have 2 channels of capacity 1 each, of which
//                     only the last is ever used. One task sends a number to
//                     the other's and selects over its own; the other selects
//                     over its own and sends the number back. So nearly every
//                     select waits. One of 100,000 is a round trip: two selects
//                     and two sends.
//     select8_..., select64_...
//                     the same with 8 channels instead of 2, and with 64
//     select_default  one task selects over 2 channels of capacity 1 that stay
//                     empty, or goes on where neither has anything; one of a
//                     million is such a look
//
// Channels are made anew for each batch, and what has come is added up. Go
// leaves it to chance which of several that have something is received from.
//
// SPDX-License-Identifier: MIT

package main

import "fmt"

const (
	selects     = 524_288
	parkedTrips = 100_000
	polls       = 1_000_000
)

func newChannels(count, capacity int) []chan int64 {
	channels := make([]chan int64, count)
	for i := range channels {
		channels[i] = make(chan int64, capacity)
	}
	return channels
}

func fill(channels []chan int64) {
	for _, channel := range channels {
		for number := int64(0); number < capacity; number++ {
			select {
			case channel <- number:
			default:
				panic("a channel was not empty")
			}
		}
	}
}

func drain(channels []chan int64, receive receiver) (sum int64) {
	for left := len(channels) * capacity; left > 0; left-- {
		sum += receive(channels)
	}
	return sum
}

func selectWhatIsReady(count int, receive receiver) {
	channels := newChannels(count, capacity)
	var sum int64
	for left := selects; left > 0; left -= count * capacity {
		fill(channels)
		sum += drain(channels, receive)
	}
	must(sum == selects*(capacity-1)/2, "a number was lost")
}

func selectWhatComes(count int, receive receiver) {
	mine, theirs := newChannels(count, 1), newChannels(count, 1)
	toMe, toThem := mine[count-1], theirs[count-1]
	beside(func() {
		for i := 0; i < parkedTrips; i++ {
			toMe <- receive(theirs)
		}
	}, func() {
		for i := int64(0); i < parkedTrips; i++ {
			toThem <- i
			must(receive(mine) == i, "another number came back")
		}
	})
}

func selectNothing() {
	channels := newChannels(2, 1)
	one, other := channels[0], channels[1]
	found := 0
	for i := 0; i < polls; i++ {
		select {
		case <-one:
			found++
		case <-other:
			found++
		default:
		}
	}
	must(found == 0, "an empty channel had something")
}

func init() {
	for _, arms := range []struct {
		count   int
		receive receiver
	}{{2, receiveFrom2}, {8, receiveFrom8}, {64, receiveFrom64}} {
		arms := arms
		name := fmt.Sprintf("sync/select%d", arms.count)
		onWorkers(name+"_ready", selects,
			func() { selectWhatIsReady(arms.count, arms.receive) })
		onWorkers(name+"_parked", parkedTrips,
			func() { selectWhatComes(arms.count, arms.receive) })
	}
	onWorkers("sync/select_default", polls, selectNothing)
}
