#pragma once

#include <functional>
#include <optional>
#include <string>

#include "sotto/hub.h"

namespace sotto::cli {

/// The value of an environment variable, or nullopt where it is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

/// This process's environment.
Environment process_environment();

/// What huggingface_hub (2.4.0, constants.py and utils/_auth.py) reads from the environment, as options:
///
///   endpoint    HF_ENDPOINT
///   cache       HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, or "hub" in the home: HF_HOME, or "huggingface" in
///               XDG_CACHE_HOME, or in ~/.cache; "~" and $NAME are expanded
///   token       HF_TOKEN, HUGGING_FACE_HUB_TOKEN, or the file HF_TOKEN_PATH ("token" in the home); none if
///               HF_HUB_DISABLE_IMPLICIT_TOKEN is on
///   offline     HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE: 1, on, yes or true
///   timeouts    HF_HUB_ETAG_TIMEOUT (to connect), HF_HUB_DOWNLOAD_TIMEOUT (to stall), whole seconds
///   proxy       https_proxy, http_proxy or all_proxy by the endpoint's scheme, and no_proxy; in small or
///               capital letters, HTTP_PROXY only in small ones (a CGI server sets it from a request)
///   ca_bundle   REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE or SSL_CERT_FILE
///
/// An empty variable counts as not set. Throws Error(invalid_argument) naming the variable for a timeout that
/// is no number, and where no cache can be told because HOME is missing; Error(io) for a token file that is
/// there and cannot be read.
hub::HubOptions hub_options(const Environment& environment = process_environment());

/// How to reach the host of `url`, which is no hub: proxy and ca_bundle as above, and nothing else.
hub::HubOptions media_transport(const std::string& url,
                                const Environment& environment = process_environment());

}  // namespace sotto::cli
