#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "sotto/log.h"

/// Whisper checkpoints from a Hugging Face hub, kept in the cache that huggingface_hub keeps: a model that
/// either of them fetched is there for both (layout: huggingface_hub 2.4.0, file_download.py).
namespace sotto::hub {

struct HubOptions {
  std::string endpoint = "https://huggingface.co";  ///< http:// is accepted, for mirrors inside a network
  std::string token;              ///< sent to the endpoint's own host only, never logged; empty: none
  std::filesystem::path cache;    ///< the directory of models--org--name folders; must be given
  std::string revision = "main";  ///< branch, tag or commit
  bool offline = false;           ///< use what the cache holds and ask nobody
  int retries = 5;                ///< further tries after a failure that may pass; a MiB received starts anew
  double backoff_s = 1.0;         ///< wait before the first further try; doubles up to 30 s
  double max_wait_s = 300.0;      ///< longest wait that a busy server (Retry-After) is granted
  double connect_timeout_s = 10.0;
  double stall_timeout_s = 30.0;    ///< a transfer below 1 KiB/s for so long counts as cut; at least 1
  std::string proxy;                ///< URL of an HTTP or SOCKS proxy; empty: none
  std::string no_proxy;             ///< comma-separated hosts that are asked directly
  std::filesystem::path ca_bundle;  ///< PEM file of trusted certificates; empty: the system's
};

/// The directory (or file) `name_or_path` if it exists; else the model of that name, as download().
///
/// Names are a hub's ("openai/whisper-base") or plain: "tiny" ... "turbo" of openai-whisper ("large" is
/// large-v3), "whisper-base", "distil-large-v3".
/// Throws Error(not_found) with the nearest names for a plain name that is none, and what download() throws.
std::filesystem::path resolve_model(std::string_view name_or_path,
                                    const HubOptions& options,
                                    const Progress& progress = {});

/// The hub's name of a plain one ("base" → "openai/whisper-base"); a hub's name ("org/name") as it is.
/// Throws Error(not_found | invalid_argument) for anything else.
std::string repository_of(std::string_view name);

/// Fetches the files of `repository` ("openai/whisper-base") that a Whisper needs (configuration, tokenizer,
/// one copy of the weights) unless the cache has them, and returns their directory in the cache.
///
/// A cut transfer goes on where it ended, in this call or a later one; every file's length and hash are
/// checked before it appears under its name; any number of processes may fetch the same model. If the hub
/// cannot be reached, a whole copy in the cache is used, with a warning in the log.
/// progress.report hears "download org/name", bytes present, bytes in all.
/// Throws Error(not_found): no such model, revision or file, or it is private; offline: what the cache lacks;
/// (unsupported): not a Whisper; (network): refused, gated, cut too often, wrong bytes; (io): the disk;
/// (bad_format): an answer that is none; (cancelled): progress.stop, and a later call resumes.
std::filesystem::path download(std::string_view repository,
                               const HubOptions& options,
                               const Progress& progress = {});

/// What a URL of audio or video led to.
struct FetchedMedia {
  std::string url;       ///< that answered, after redirects
  bool is_page = false;  ///< a web page and no media: nothing was written
};

struct MediaOptions {
  /// Private, loopback and link-local addresses may answer. Else they are refused at the socket, so that no
  /// redirect and no name leads there; behind a proxy, which resolves names itself, only by the URL's host.
  bool allow_local = false;
  std::uint64_t max_bytes = 64ULL << 30U;
};

/// The last component of a URL's path, percent-decoded: "talk.mp3"; "" if there is none.
std::string media_file_name(const std::string& url);

/// Fetches an http or https URL into `file`, following redirects; `options` says how to connect (its token is
/// not sent). progress.report hears "download", bytes present, bytes in all (0: not known).
/// Throws Error(invalid_argument) for another kind of URL; (not_found): 404 or 410; (network): a local
/// address, refused, cut too often, larger than max_bytes; (io): the disk; (cancelled).
FetchedMedia fetch_media(const std::string& url,
                         const std::filesystem::path& file,
                         HubOptions options,
                         const MediaOptions& media = {},
                         const Progress& progress = {});

}  // namespace sotto::hub
