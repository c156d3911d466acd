#include "model/sources/zip_archive.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "model/sources/byte_reader.h"
#include "sotto/error.h"

namespace sotto::model::sources {
namespace {

constexpr std::uint32_t kLocalHeader = 0x04034b50;
constexpr std::uint32_t kCentralHeader = 0x02014b50;
constexpr std::uint32_t kEnd = 0x06054b50;
constexpr std::uint32_t kEnd64 = 0x06064b50;
constexpr std::uint32_t kEnd64Locator = 0x07064b50;
constexpr std::size_t kEndBytes = 22;
constexpr std::size_t kEnd64LocatorBytes = 20;
constexpr std::uint16_t kZip64Extra = 1;
constexpr std::uint32_t kSaturated32 = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint16_t kSaturated16 = std::numeric_limits<std::uint16_t>::max();
/// whisper-large has 1260 tensors; the limit bounds what a file of nothing but entries makes us keep.
constexpr std::uint64_t kMaxEntries = 100'000;

struct Directory {
  std::uint64_t n_entries = 0;
  std::uint64_t n_bytes = 0;
  std::uint64_t offset = 0;
  std::uint64_t end = 0;  ///< where the first end record begins
};

struct Entry {
  std::string_view name;
  std::uint64_t n_bytes = 0;
  std::uint64_t header_offset = 0;
  std::uint64_t data_offset = 0;
};

/// Offset of the end record: the last one whose comment ends the file.
std::uint64_t find_end(std::span<const std::byte> file, const std::string& where) {
  constexpr std::size_t kLongestComment = kSaturated16;
  const std::size_t n_back = std::min(file.size(), kEndBytes + kLongestComment);
  for (std::size_t back = kEndBytes; back <= n_back; ++back) {
    ByteReader reader(file.subspan(file.size() - back), where);
    if (reader.read<std::uint32_t>("end record") != kEnd) {
      continue;
    }
    reader.seek(kEndBytes - 2, "comment length");
    if (reader.read<std::uint16_t>("comment length") == back - kEndBytes) {
      return file.size() - back;
    }
  }
  throw Error(ErrorCode::bad_format, where,
              "expected a zip archive's end record in the last 64 KB, found none; the file is cut off.");
}

/// The 32-bit record; `is_full` tells that its numbers do not fit and only the zip64 record has them.
Directory read_end(ByteReader& reader, std::uint64_t at, bool& is_full) {
  reader.seek(at + 4, "end record");
  const auto disk = reader.read<std::uint16_t>("disk number");
  const auto directory_disk = reader.read<std::uint16_t>("disk number");
  const auto n_here = reader.read<std::uint16_t>("number of entries");
  const auto n_entries = reader.read<std::uint16_t>("number of entries");
  const auto n_bytes = reader.read<std::uint32_t>("directory size");
  const auto offset = reader.read<std::uint32_t>("directory offset");
  is_full = n_entries == kSaturated16 || n_bytes == kSaturated32 || offset == kSaturated32;
  if (!is_full && (disk != 0 || directory_disk != 0 || n_here != n_entries)) {
    reader.fail("expected a zip archive in one part.");
  }
  return {n_entries, n_bytes, offset, at};
}

/// The zip64 record before the end record, if there is one.
std::optional<Directory> read_end64(ByteReader& reader, std::uint64_t end) {
  if (end < kEnd64LocatorBytes) {
    return std::nullopt;
  }
  reader.seek(end - kEnd64LocatorBytes, "zip64 locator");
  if (reader.read<std::uint32_t>("zip64 locator") != kEnd64Locator) {
    return std::nullopt;
  }
  reader.read<std::uint32_t>("disk number");
  const auto at = reader.read<std::uint64_t>("zip64 record offset");
  if (at > end - kEnd64LocatorBytes) {
    reader.fail(
        fmt::format("zip64 record offset: expected at most {}, found {}.", end - kEnd64LocatorBytes, at));
  }
  reader.seek(at, "zip64 record offset");
  if (reader.read<std::uint32_t>("zip64 record") != kEnd64) {
    reader.fail(fmt::format("expected a zip64 record at offset {}.", at));
  }
  constexpr std::uint64_t kToDisks = 12;
  reader.take(kToDisks, "zip64 record");
  const auto disks = reader.read<std::uint64_t>("disk numbers");
  const auto n_here = reader.read<std::uint64_t>("number of entries");
  Directory directory;
  directory.n_entries = reader.read<std::uint64_t>("number of entries");
  directory.n_bytes = reader.read<std::uint64_t>("directory size");
  directory.offset = reader.read<std::uint64_t>("directory offset");
  directory.end = at;
  if (disks != 0 || n_here != directory.n_entries) {
    reader.fail("expected a zip archive in one part.");
  }
  return directory;
}

Directory find_directory(ByteReader& reader, std::span<const std::byte> file) {
  const std::uint64_t end = find_end(file, reader.where());
  bool is_full = false;
  Directory directory = read_end(reader, end, is_full);
  if (const auto wide = read_end64(reader, end)) {
    directory = *wide;
  } else if (is_full) {
    reader.fail("expected a zip64 record, as the end record's numbers do not fit, found none.");
  }
  if (directory.offset > directory.end || directory.n_bytes != directory.end - directory.offset) {
    reader.fail(fmt::format("expected a directory of {} bytes at offset {} to end at {}.", directory.n_bytes,
                            directory.offset, directory.end));
  }
  if (directory.n_entries > kMaxEntries) {
    reader.fail(fmt::format("expected at most {} entries, found {}.", kMaxEntries, directory.n_entries));
  }
  return directory;
}

void check_name(const ByteReader& reader, std::string_view name) {
  const auto is_odd = [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == '\\' || c == ':' || c == 0x7f;
  };
  const std::string framed = fmt::format("/{}/", name);
  if (name.empty() || name.front() == '/' || framed.find("/../") != std::string::npos ||
      std::any_of(name.begin(), name.end(), is_odd)) {
    reader.fail(fmt::format("expected a plain relative name of an entry, found {}.", shown(name)));
  }
}

/// Replaces saturated numbers by those of the zip64 field, which holds just these, in this order.
void read_zip64_field(const ByteReader& reader,
                      std::string_view extra,
                      Entry& entry,
                      std::uint64_t& n_stored) {
  const auto bytes = std::as_bytes(std::span(extra.data(), extra.size()));
  ByteReader fields(bytes, fmt::format("{}: {}", reader.where(), shown(entry.name)));
  while (fields.n_left() >= 4) {
    const auto id = fields.read<std::uint16_t>("extra field");
    const auto n_bytes = fields.read<std::uint16_t>("extra field");
    ByteReader field(fields.take(n_bytes, "extra field"), fields.where());
    if (id != kZip64Extra) {
      continue;
    }
    for (std::uint64_t* number : {&entry.n_bytes, &n_stored, &entry.header_offset}) {
      if (*number == kSaturated32) {
        *number = field.read<std::uint64_t>("zip64 field");
      }
    }
    return;
  }
}

Entry read_central_header(ByteReader& reader) {
  if (reader.read<std::uint32_t>("directory entry") != kCentralHeader) {
    reader.fail(fmt::format("expected a directory entry at offset {}.", reader.offset() - 4));
  }
  Entry entry;
  reader.read<std::uint32_t>("versions");
  const auto flags = reader.read<std::uint16_t>("flags");
  const auto method = reader.read<std::uint16_t>("compression method");
  constexpr std::uint64_t kTimeAndChecksum = 8;
  reader.take(kTimeAndChecksum, "time and checksum");
  std::uint64_t n_stored = reader.read<std::uint32_t>("compressed size");
  entry.n_bytes = reader.read<std::uint32_t>("size");
  const auto name_bytes = reader.read<std::uint16_t>("name length");
  const auto extra_bytes = reader.read<std::uint16_t>("extra length");
  const auto comment_bytes = reader.read<std::uint16_t>("comment length");
  constexpr std::uint64_t kDiskAndAttributes = 8;
  reader.take(kDiskAndAttributes, "disk and attributes");
  entry.header_offset = reader.read<std::uint32_t>("header offset");
  entry.name = reader.take_text(name_bytes, "entry name");
  check_name(reader, entry.name);
  read_zip64_field(reader, reader.take_text(extra_bytes, "extra field"), entry, n_stored);
  reader.take(comment_bytes, "comment");
  constexpr std::uint16_t kEncrypted = 1;
  if (method != 0 || (flags & kEncrypted) != 0) {
    throw Error(ErrorCode::unsupported, fmt::format("{}: {}", reader.where(), shown(entry.name)),
                fmt::format("expected a stored entry as torch writes it, found {} with method {}.",
                            (flags & kEncrypted) != 0 ? "encryption" : "compression", method));
  }
  if (n_stored != entry.n_bytes) {
    reader.fail(fmt::format("{}: a stored entry has two sizes, {} and {}.", shown(entry.name), entry.n_bytes,
                            n_stored));
  }
  return entry;
}

/// Finds the data behind the entry's local header and checks that it lies before the directory.
void read_local_header(ByteReader& reader, Entry& entry, std::uint64_t end) {
  reader.seek(entry.header_offset, "local header");
  if (reader.read<std::uint32_t>("local header") != kLocalHeader) {
    reader.fail(
        fmt::format("{}: expected a local header at offset {}.", shown(entry.name), entry.header_offset));
  }
  constexpr std::uint64_t kToLengths = 22;
  reader.take(kToLengths, "local header");
  const auto name_bytes = reader.read<std::uint16_t>("name length");
  const auto extra_bytes = reader.read<std::uint16_t>("extra length");
  const auto name = reader.take_text(name_bytes, "entry name");
  if (name != entry.name) {
    reader.fail(fmt::format("{}: its local header names {}.", shown(entry.name), shown(name)));
  }
  reader.take(extra_bytes, "extra field");
  entry.data_offset = reader.offset();
  if (entry.data_offset > end || entry.n_bytes > end - entry.data_offset) {
    reader.fail(fmt::format("{}: expected its {} bytes at offset {} to end before the directory at {}.",
                            shown(entry.name), entry.n_bytes, entry.data_offset, end));
  }
}

void refuse_overlaps(const ByteReader& reader, std::vector<Entry>& entries) {
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.header_offset < b.header_offset; });
  for (std::size_t i = 1; i < entries.size(); ++i) {
    if (entries[i].header_offset < entries[i - 1].data_offset + entries[i - 1].n_bytes) {
      reader.fail(
          fmt::format("entries {} and {} overlap.", shown(entries[i - 1].name), shown(entries[i].name)));
    }
  }
}

}  // namespace

bool looks_like_zip(std::span<const std::byte> file) {
  return file.size() >= 4 && ByteReader(file, "").read<std::uint32_t>("signature") == kLocalHeader;
}

ZipEntries read_zip(std::span<const std::byte> file, const std::string& where) {
  ByteReader reader(file, where);
  const Directory directory = find_directory(reader, file);
  reader.seek(directory.offset, "directory");
  std::vector<Entry> entries;
  entries.reserve(directory.n_entries);
  for (std::uint64_t i = 0; i < directory.n_entries; ++i) {
    entries.push_back(read_central_header(reader));
  }
  if (reader.offset() != directory.end) {
    reader.fail(fmt::format("expected a directory of {} entries to end at offset {}, found {}.",
                            directory.n_entries, directory.end, reader.offset()));
  }
  ZipEntries found;
  for (Entry& entry : entries) {
    read_local_header(reader, entry, directory.offset);
    if (!found.emplace(entry.name, file.subspan(entry.data_offset, entry.n_bytes)).second) {
      reader.fail(fmt::format("entry {} is there twice.", shown(entry.name)));
    }
  }
  refuse_overlaps(reader, entries);
  return found;
}

}  // namespace sotto::model::sources
