#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>

#include "hub/http_client.h"
#include "hub/hub_api.h"
#include "hub/model_cache.h"
#include "hub/retry.h"

namespace sotto::hub {

/// What a transfer needs beside the file it fetches; all must outlive the call.
struct TransferContext {
  HttpClient& http;
  const HubApi& api;
  const ModelCache& cache;
  Retry& retry;
  std::stop_token stop;
};

/// Makes the file's blob appear in the cache, whole and with the hash that its entity tag states, going on
/// from an incomplete one. The caller holds the blob's lock. `on_bytes` hears how many bytes are there.
///
/// A wrong length or hash, and an answer to another range than asked, start the file again, once in all.
/// Throws Error(network | not_found | io | cancelled); what came so far stays for a later call, except wrong
/// bytes, which are removed.
void fetch_blob(const RemoteFile& file,
                const TransferContext& context,
                const std::function<void(std::uint64_t)>& on_bytes);

}  // namespace sotto::hub
