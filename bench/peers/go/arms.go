// Selects of 2, 8 and 64 arms, written out: one has as many as its text.
//
// reflect.Select takes them as a slice instead, but allocates for each call:
// the row would be about that.
//
// SPDX-License-Identifier: MIT

package main

// A receiver waits until one of the channels has something and takes it.
type receiver func(from []chan int64) int64

func receiveFrom2(from []chan int64) (number int64) {
	channels := (*[2]chan int64)(from)
	select {
	case number = <-channels[0]:
	case number = <-channels[1]:
	}
	return number
}

func receiveFrom8(from []chan int64) (number int64) {
	channels := (*[8]chan int64)(from)
	select {
	case number = <-channels[0]:
	case number = <-channels[1]:
	case number = <-channels[2]:
	case number = <-channels[3]:
	case number = <-channels[4]:
	case number = <-channels[5]:
	case number = <-channels[6]:
	case number = <-channels[7]:
	}
	return number
}

func receiveFrom64(from []chan int64) (number int64) {
	channels := (*[64]chan int64)(from)
	select {
	case number = <-channels[0]:
	case number = <-channels[1]:
	case number = <-channels[2]:
	case number = <-channels[3]:
	case number = <-channels[4]:
	case number = <-channels[5]:
	case number = <-channels[6]:
	case number = <-channels[7]:
	case number = <-channels[8]:
	case number = <-channels[9]:
	case number = <-channels[10]:
	case number = <-channels[11]:
	case number = <-channels[12]:
	case number = <-channels[13]:
	case number = <-channels[14]:
	case number = <-channels[15]:
	case number = <-channels[16]:
	case number = <-channels[17]:
	case number = <-channels[18]:
	case number = <-channels[19]:
	case number = <-channels[20]:
	case number = <-channels[21]:
	case number = <-channels[22]:
	case number = <-channels[23]:
	case number = <-channels[24]:
	case number = <-channels[25]:
	case number = <-channels[26]:
	case number = <-channels[27]:
	case number = <-channels[28]:
	case number = <-channels[29]:
	case number = <-channels[30]:
	case number = <-channels[31]:
	case number = <-channels[32]:
	case number = <-channels[33]:
	case number = <-channels[34]:
	case number = <-channels[35]:
	case number = <-channels[36]:
	case number = <-channels[37]:
	case number = <-channels[38]:
	case number = <-channels[39]:
	case number = <-channels[40]:
	case number = <-channels[41]:
	case number = <-channels[42]:
	case number = <-channels[43]:
	case number = <-channels[44]:
	case number = <-channels[45]:
	case number = <-channels[46]:
	case number = <-channels[47]:
	case number = <-channels[48]:
	case number = <-channels[49]:
	case number = <-channels[50]:
	case number = <-channels[51]:
	case number = <-channels[52]:
	case number = <-channels[53]:
	case number = <-channels[54]:
	case number = <-channels[55]:
	case number = <-channels[56]:
	case number = <-channels[57]:
	case number = <-channels[58]:
	case number = <-channels[59]:
	case number = <-channels[60]:
	case number = <-channels[61]:
	case number = <-channels[62]:
	case number = <-channels[63]:
	}
	return number
}
