// The tour's table of what a switch costs.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_EXAMPLES_TOUR_SWITCH_TABLE_H_
#define WEFT_EXAMPLES_TOUR_SWITCH_TABLE_H_

namespace tour {

// Measures every kind of switch several times and prints a line for each: the
// median, and between which values the middle half of the runs lay. Nanoseconds
// a switch; some seconds in all. On a plain thread.
void PrintSwitchTable();

}  // namespace tour

#endif  // WEFT_EXAMPLES_TOUR_SWITCH_TABLE_H_
