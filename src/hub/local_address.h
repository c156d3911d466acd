#pragma once

#include <string>

#include <sys/socket.h>

namespace sotto::hub {

/// True for addresses that are not of the public internet: unspecified, loopback, private, shared,
/// link-local, multicast, reserved, and IPv6 addresses that carry such an IPv4 address (RFC 6890). True too
/// for a family that is neither.
bool is_local_address(const sockaddr& address);

/// True if the URL's host is written as a local address, or is "localhost" or a name below it.
bool has_local_host(const std::string& url);

}  // namespace sotto::hub
