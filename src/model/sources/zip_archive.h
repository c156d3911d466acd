#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace sotto::model::sources {

/// The entries of a zip archive by name; names and data are views into the archive.
using ZipEntries = std::map<std::string_view, std::span<const std::byte>>;

/// True if the bytes begin as a zip archive does.
bool looks_like_zip(std::span<const std::byte> file);

/// Reads the central directory of a zip archive whose entries are stored as they are, zip64 included.
///
/// Believed only after these hold: one disk; the directory ends where its end record begins; every entry lies
/// before it, under the name its local header repeats, and overlaps no other; names are relative, unique,
/// without
/// "..", backslash or control characters. Checksums are not compared: torch itself does not, and a checkpoint
/// may be written without them. Throws Error(bad_format) naming `where`, the entry and what was expected;
/// (unsupported) for compressed or encrypted entries. Source: PKWARE's .ZIP File Format Specification
/// (APPNOTE) 6.3.10, sections 4.3 to 4.5.
ZipEntries read_zip(std::span<const std::byte> file, const std::string& where);

}  // namespace sotto::model::sources
