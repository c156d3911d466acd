#include "hub/local_address.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "hub/url.h"

namespace sotto::hub {
namespace {

struct Block {
  std::uint32_t address;
  int n_bits;
};

constexpr std::array<Block, 15> kLocalBlocks = {{{0x00000000, 8},    // this network
                                                 {0x0A000000, 8},    // private
                                                 {0x64400000, 10},   // shared
                                                 {0x7F000000, 8},    // loopback
                                                 {0xA9FE0000, 16},   // link-local
                                                 {0xAC100000, 12},   // private
                                                 {0xC0000000, 24},   // protocol assignments
                                                 {0xC0000200, 24},   // documentation
                                                 {0xC0586300, 24},   // 6to4 relays
                                                 {0xC0A80000, 16},   // private
                                                 {0xC6120000, 15},   // benchmarking
                                                 {0xC6336400, 24},   // documentation
                                                 {0xCB007100, 24},   // documentation
                                                 {0xE0000000, 4},    // multicast
                                                 {0xF0000000, 4}}};  // reserved, broadcast

bool is_local(std::uint32_t address) {
  return std::any_of(kLocalBlocks.begin(), kLocalBlocks.end(), [&](const Block& block) {
    return (address ^ block.address) >> (32 - block.n_bits) == 0;
  });
}

using Ipv6 = std::array<std::uint8_t, 16>;

std::uint32_t ipv4_at(const Ipv6& bytes, std::size_t at) {
  std::uint32_t address = 0;
  std::memcpy(&address, bytes.data() + at, sizeof(address));
  return ntohl(address);
}

bool begins_with(const Ipv6& bytes, std::initializer_list<std::uint8_t> prefix) {
  return std::equal(prefix.begin(), prefix.end(), bytes.begin());
}

bool is_local(const Ipv6& bytes) {
  if (begins_with(bytes, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}) ||
      begins_with(bytes, {0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0})) {
    return is_local(ipv4_at(bytes, 12));
  }
  if (begins_with(bytes, {0x20, 0x02})) {
    return is_local(ipv4_at(bytes, 2));
  }
  return (bytes[0] & 0xe0) != 0x20;  // public unicast is 2000::/3
}

}  // namespace

bool is_local_address(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address, sizeof(v4));
    return is_local(ntohl(v4.sin_addr.s_addr));
  }
  if (address.sa_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &address, sizeof(v6));
    Ipv6 bytes{};
    std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
    return is_local(bytes);
  }
  return true;
}

bool has_local_host(const std::string& url) {
  std::string host = host_of(url);
  std::transform(host.begin(), host.end(), host.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (host.ends_with('.')) {
    host.pop_back();
  }
  if (host == "localhost" || host.ends_with(".localhost")) {
    return true;
  }
  in_addr v4{};
  if (::inet_aton(host.c_str(), &v4) != 0) {  // also 127.1 and 0x7f000001
    return is_local(ntohl(v4.s_addr));
  }
  Ipv6 bytes{};
  if (host.starts_with('[') && host.ends_with(']')) {
    const std::string bare = host.substr(1, std::min(host.find('%'), host.size() - 1) - 1);
    return ::inet_pton(AF_INET6, bare.c_str(), bytes.data()) != 1 || is_local(bytes);
  }
  return false;
}

}  // namespace sotto::hub
