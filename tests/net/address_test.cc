// Tests of weft::net::Address: what it reads, what it says about what it cannot
// read, and that the system understands it.
//
// SPDX-License-Identifier: MIT

#include "weft/net/address.h"

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "absl/hash/hash_testing.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weft::net {
namespace {

using ::testing::HasSubstr;

// What Parse says about `text`, without the part that repeats it.
std::string ComplaintAbout(std::string_view text) {
  const absl::StatusOr<Address> address = Address::Parse(text);
  if (address.ok()) return "no complaint";
  EXPECT_EQ(address.status().code(), absl::StatusCode::kInvalidArgument);
  const std::string message(address.status().message());
  const std::string begin = "address \"" + std::string(text) + "\": ";
  EXPECT_EQ(message.substr(0, begin.size()), begin);
  return message.substr(std::min(begin.size(), message.size()));
}

std::string RoundTrip(std::string_view text) {
  const absl::StatusOr<Address> address = Address::Parse(text);
  return address.ok() ? address->ToString()
                      : std::string(address.status().message());
}

TEST(AddressTest, ReadsIpv4WithAPort) {
  const absl::StatusOr<Address> address = Address::Parse("192.168.1.20:8080");

  ASSERT_TRUE(address.ok()) << address.status();
  EXPECT_TRUE(address->is_ipv4());
  EXPECT_FALSE(address->is_ipv6());
  EXPECT_EQ(address->port(), 8080);
  EXPECT_EQ(*address, Address(Address::Ipv4Bytes{192, 168, 1, 20}, 8080));
}

TEST(AddressTest, ReadsIpv6InBrackets) {
  const absl::StatusOr<Address> address = Address::Parse("[::1]:443");

  ASSERT_TRUE(address.ok()) << address.status();
  EXPECT_TRUE(address->is_ipv6());
  EXPECT_EQ(address->port(), 443);
  EXPECT_EQ(*address, Address::LoopbackIpv6(443));
}

TEST(AddressTest, ReadsTheScopeOfALinkLocalAddress) {
  const absl::StatusOr<Address> address = Address::Parse("[fe80::1%3]:80");

  ASSERT_TRUE(address.ok()) << address.status();
  EXPECT_EQ(address->scope(), 3u);
  EXPECT_EQ(address->ToString(), "[fe80::1%3]:80");
}

TEST(AddressTest, ReadsTheLowestAndTheHighestPort) {
  EXPECT_EQ(RoundTrip("0.0.0.0:0"), "0.0.0.0:0");
  EXPECT_EQ(RoundTrip("255.255.255.255:65535"), "255.255.255.255:65535");
}

TEST(AddressTest, PrintsIpv6AsRfc5952Wants) {
  // The examples of its section 4 and 5.
  EXPECT_EQ(RoundTrip("[2001:0db8::0001]:1"), "[2001:db8::1]:1");
  EXPECT_EQ(RoundTrip("[2001:db8:0:0:0:0:2:1]:1"), "[2001:db8::2:1]:1");
  EXPECT_EQ(RoundTrip("[2001:db8:0:1:1:1:1:1]:1"), "[2001:db8:0:1:1:1:1:1]:1");
  EXPECT_EQ(RoundTrip("[2001:0:0:1:0:0:0:1]:1"), "[2001:0:0:1::1]:1");
  EXPECT_EQ(RoundTrip("[2001:db8:0:0:1:0:0:1]:1"), "[2001:db8::1:0:0:1]:1");
  EXPECT_EQ(RoundTrip("[2001:DB8::ABCD]:1"), "[2001:db8::abcd]:1");
  EXPECT_EQ(RoundTrip("[::ffff:192.0.2.1]:1"), "[::ffff:192.0.2.1]:1");
}

TEST(AddressTest, PrintsWhatItReads) {
  for (const std::string_view text :
       {"0.0.0.0:0", "127.0.0.1:80", "[::]:0", "[::1]:65535",
        "[1:2:3:4:5:6:7:8]:9", "[fe80::1%4294967295]:1"}) {
    EXPECT_EQ(RoundTrip(text), text);
  }
}

TEST(AddressTest, SaysThatThePortIsMissing) {
  EXPECT_EQ(ComplaintAbout("127.0.0.1"),
            "the port is missing; write ADDRESS:PORT");
  EXPECT_EQ(ComplaintAbout("[::1]"),
            "the port is missing; write [ADDRESS]:PORT");
  EXPECT_EQ(ComplaintAbout("127.0.0.1:"),
            "the port after the \":\" is missing");
  EXPECT_EQ(ComplaintAbout("[::1]:"), "the port after the \":\" is missing");
}

TEST(AddressTest, SaysThatThePortIsNoNumber) {
  for (const std::string port :
       {"http", "8o", "+80", "-1", " 80", "80 ", "0x50", "8.0", "80/tcp"}) {
    EXPECT_EQ(ComplaintAbout("127.0.0.1:" + port),
              "the port \"" + port + "\" is not a number");
  }
}

TEST(AddressTest, SaysThatThePortIsTooLarge) {
  EXPECT_EQ(ComplaintAbout("127.0.0.1:65536"),
            "the port \"65536\" is larger than 65535");
  EXPECT_EQ(ComplaintAbout("[::1]:18446744073709551696"),
            "the port \"18446744073709551696\" is larger than 65535");
}

TEST(AddressTest, SaysThatTheHostIsMissing) {
  EXPECT_EQ(ComplaintAbout(":80"),
            "the host is missing; for every interface write 0.0.0.0:PORT or "
            "[::]:PORT");
}

TEST(AddressTest, SaysThatTextIsNoIpv4Address) {
  const std::string why =
      "is not an IPv4 address, four numbers of up to 255 (host names are not "
      "looked up)";
  for (const std::string host :
       {"localhost", "127.0.0", "127.0.0.256", "1.2.3.4.5", "1.2.3.4 ",
        "01.2.3.4", "0x7f.1", "1.2.3.4%1"}) {
    EXPECT_EQ(ComplaintAbout(host + ":80"),
              absl::StrCat("\"", host, "\" ", why));
  }
}

TEST(AddressTest, SaysThatTextInBracketsIsNoIpv6Address) {
  for (const std::string host : {"127.0.0.1", ":", "1:2:3:4:5:6:7", "::1::2",
                                 "12345::", "g::", "", "::1 ", "[::1"}) {
    EXPECT_EQ(ComplaintAbout("[" + host + "]:80"),
              "\"" + host + "\" between the brackets is not an IPv6 address");
  }
}

TEST(AddressTest, SaysThatAScopeIsNoNumber) {
  EXPECT_EQ(ComplaintAbout("[fe80::1%eth0]:80"),
            "the scope \"eth0\" is not the number of an interface");
  EXPECT_EQ(ComplaintAbout("[fe80::1%]:80"),
            "the scope \"\" is not the number of an interface");
  EXPECT_EQ(ComplaintAbout("[fe80::1%4294967296]:80"),
            "the scope \"4294967296\" is not the number of an interface");
}

TEST(AddressTest, SaysThatBracketsAreUnbalanced) {
  EXPECT_EQ(ComplaintAbout("[::1:80"), "the \"[\" is never closed by a \"]\"");
  EXPECT_EQ(ComplaintAbout("::1]:80"),
            "a bracket is out of place; write [ADDRESS]:PORT");
  EXPECT_EQ(ComplaintAbout("::[1]:80"),
            "a bracket is out of place; write [ADDRESS]:PORT");
}

TEST(AddressTest, SaysThatSomethingFollowsTheBrackets) {
  EXPECT_EQ(ComplaintAbout("[::1]80"),
            "only \":\" and a port may follow the \"]\"");
  EXPECT_EQ(ComplaintAbout("[::1]]:80"),
            "only \":\" and a port may follow the \"]\"");
}

TEST(AddressTest, SaysThatAnIpv6AddressWantsBrackets) {
  EXPECT_EQ(ComplaintAbout("::1"),
            "an IPv6 address and its port are written [ADDRESS]:PORT");
  EXPECT_EQ(ComplaintAbout("::1:80"),
            "an IPv6 address and its port are written [ADDRESS]:PORT");
  EXPECT_EQ(ComplaintAbout("1.2.3.4:80:80"), "there is more than one \":\"");
}

TEST(AddressTest, SaysThatTextIsEmpty) {
  EXPECT_EQ(ComplaintAbout(""), "it is empty; write ADDRESS:PORT");
}

TEST(AddressTest, RefusesANulInsideTheHost) {
  const std::string text("127.0.0.1\0.evil:80", 18);

  const absl::StatusOr<Address> address = Address::Parse(text);

  ASSERT_FALSE(address.ok());
  EXPECT_THAT(std::string(address.status().message()),
              HasSubstr("\"127.0.0.1\\x00.evil\" is not an IPv4 address"));
}

TEST(AddressTest, KeepsItsComplaintShortForHugeInput) {
  const absl::StatusOr<Address> address =
      Address::Parse(absl::StrCat(std::string(1'000'000, '['), "]:1"));

  ASSERT_FALSE(address.ok());
  EXPECT_LT(address.status().message().size(), 300u);
  EXPECT_THAT(std::string(address.status().message()), HasSubstr("[[[...\""));
}

TEST(AddressTest, KnowsLoopbackAndAny) {
  EXPECT_EQ(Address::Loopback(7).ToString(), "127.0.0.1:7");
  EXPECT_EQ(Address::LoopbackIpv6(7).ToString(), "[::1]:7");
  EXPECT_EQ(Address::Any(7).ToString(), "0.0.0.0:7");
  EXPECT_EQ(Address::AnyIpv6(7).ToString(), "[::]:7");
  EXPECT_EQ(Address(), Address::Any(0));
}

TEST(AddressTest, ChangesOnlyThePort) {
  EXPECT_EQ(Address::LoopbackIpv6(1).WithPort(2), Address::LoopbackIpv6(2));
}

TEST(AddressTest, SurvivesTheSystemsForm) {
  for (const Address& address :
       {Address::Loopback(0x1234), Address::LoopbackIpv6(0xfffe),
        *Address::Parse("[fe80::1:2%7]:80")}) {
    const Address::SystemForm form = address.ToSystem();
    const absl::StatusOr<Address> back = Address::FromSystem(form);

    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(*back, address);
  }
}

TEST(AddressTest, WritesThePortInNetworkOrder) {
  const Address::SystemForm form = Address::Loopback(0x0102).ToSystem();

  EXPECT_EQ(form.size(), sizeof(sockaddr_in));
  EXPECT_EQ(form.get()->sa_family, AF_INET);
  sockaddr_in ipv4;
  std::memcpy(&ipv4, form.get(), sizeof(ipv4));
  unsigned char port[2];
  std::memcpy(port, &ipv4.sin_port, sizeof(port));
  EXPECT_EQ(port[0], 1);
  EXPECT_EQ(port[1], 2);
}

TEST(AddressTest, RefusesAnotherFamilyOfSockets) {
  Address::SystemForm form;
  form.get()->sa_family = AF_UNIX;

  EXPECT_EQ(Address::FromSystem(form).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(AddressTest, RefusesATruncatedForm) {
  Address::SystemForm form = Address::LoopbackIpv6(1).ToSystem();
  for (const socklen_t size : {socklen_t{0}, socklen_t{2}, socklen_t{16}}) {
    *form.size_to_fill() = size;
    EXPECT_FALSE(Address::FromSystem(form).ok()) << size;
  }
}

TEST(AddressTest, ComparesAndHashesByPlace) {
  EXPECT_TRUE(absl::VerifyTypeImplementsAbslHashCorrectly(std::vector<Address>{
      Address(), Address::Any(1), Address::AnyIpv6(0), Address::AnyIpv6(1),
      Address::Loopback(1), Address::LoopbackIpv6(1),
      *Address::Parse("[::1%2]:1")}));
}

}  // namespace
}  // namespace weft::net
