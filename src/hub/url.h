#pragma once

#include <string>
#include <string_view>

namespace sotto::hub {

/// "scheme://host:port" of a URL, in lower case and with the port spelled out: what decides whether a token
/// may be sent. Throws Error(invalid_argument) for what is not an http or https URL or carries a user's name.
std::string origin_of(const std::string& url);

/// The host of a URL as it is written there, brackets of an IPv6 address included; "" if it has none.
std::string host_of(const std::string& url);
/// The last component of a URL's path, percent-decoded; "" if it has none.
std::string file_name_of(const std::string& url);

/// The absolute URL that `location` means when `url` answers with it (RFC 3986, section 5).
/// Throws Error(network) if it is not http or https, or leads from https back to http.
std::string redirect_target(const std::string& url, const std::string& location);

/// Percent-encodes everything but letters, digits, "-._~" and "/".
std::string escape_path(std::string_view path);
/// The same with "/" encoded too: one component.
std::string escape_component(std::string_view component);

/// The URL without its query, which may be a signature, and without control characters: fit for a message.
std::string shown_url(const std::string& url);

/// Up to 200 bytes of text that a server sent, all but printable ASCII replaced: fit for a one-line message.
std::string shown_text(std::string_view text);

}  // namespace sotto::hub
