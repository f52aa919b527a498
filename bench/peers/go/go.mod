// The questions of bench/, asked of Go.
//
// SPDX-License-Identifier: MIT

module weft/bench/peers/go

go 1.18
