// A TcpStream owns its descriptor: there is one of each.
//
// Says: deleted (function|copy constructor of) .*TcpStream
//
// SPDX-License-Identifier: MIT

#include "weft/net/tcp_stream.h"

using weft::net::TcpStream;

TcpStream Outer(const TcpStream& stream) { return stream; }
