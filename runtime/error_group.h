// Several errors in one Status.
//
// The first is the Status; the others travel with it, so a caller that knows
// only Status handles the first, prints them all, and loses none.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_ERROR_GROUP_H_
#define WEFT_RUNTIME_ERROR_GROUP_H_

#include <vector>

#include "absl/status/status.h"

namespace weft {

// OK for none. For one, that one. For more: the first one's code and payloads,
// a message that names them all, and the rest where AllErrors finds it. A group
// among them is taken apart: groups do not nest.
absl::Status JoinErrors(std::vector<absl::Status> errors);

// Every error that was joined into `status`, in the order they happened; a
// vector of one for an ordinary error, and empty for OK. Payloads of the later
// errors are not kept.
std::vector<absl::Status> AllErrors(const absl::Status& status);

}  // namespace weft

#endif  // WEFT_RUNTIME_ERROR_GROUP_H_
