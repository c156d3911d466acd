#include "model/sources/alignment_heads.h"

#include <algorithm>
#include <string>

namespace sotto::model::sources {
namespace {

constexpr AlignmentHead kTinyEn[] = {{1, 0}, {2, 0}, {2, 5}, {3, 0}, {3, 1}, {3, 2}, {3, 3}, {3, 4}};
constexpr AlignmentHead kTiny[] = {{2, 2}, {3, 0}, {3, 2}, {3, 3}, {3, 4}, {3, 5}};
constexpr AlignmentHead kBaseEn[] = {{3, 3}, {4, 7}, {5, 1}, {5, 5}, {5, 7}};
constexpr AlignmentHead kBase[] = {{3, 1}, {4, 2}, {4, 3}, {4, 7}, {5, 1}, {5, 2}, {5, 4}, {5, 6}};
constexpr AlignmentHead kSmallEn[] = {{6, 6},  {7, 0},  {7, 3},   {7, 8},  {8, 2},  {8, 5},  {8, 7},
                                      {9, 0},  {9, 4},  {9, 8},   {9, 10}, {10, 0}, {10, 1}, {10, 2},
                                      {10, 3}, {10, 6}, {10, 11}, {11, 2}, {11, 4}};
constexpr AlignmentHead kSmall[] = {{5, 3}, {5, 9}, {8, 0}, {8, 4}, {8, 7},
                                    {8, 8}, {9, 0}, {9, 7}, {9, 9}, {10, 5}};
constexpr AlignmentHead kMediumEn[] = {{11, 4},  {14, 1}, {14, 12}, {14, 14}, {15, 4},  {16, 0},
                                       {16, 4},  {16, 9}, {17, 12}, {17, 14}, {18, 7},  {18, 10},
                                       {18, 15}, {20, 0}, {20, 3},  {20, 9},  {20, 14}, {21, 12}};
constexpr AlignmentHead kMedium[] = {{13, 15}, {15, 4}, {15, 15}, {16, 1}, {20, 0}, {23, 4}};
constexpr AlignmentHead kLargeV1[] = {{9, 19},  {11, 2},  {11, 4}, {11, 17}, {22, 7},
                                      {22, 11}, {22, 17}, {23, 2}, {23, 15}};
constexpr AlignmentHead kLargeV2[] = {{10, 12}, {13, 17}, {16, 11}, {16, 12}, {16, 13}, {17, 15},
                                      {17, 16}, {18, 4},  {18, 11}, {18, 19}, {19, 11}, {21, 2},
                                      {21, 3},  {22, 3},  {22, 9},  {22, 12}, {23, 5},  {23, 7},
                                      {23, 13}, {25, 5},  {26, 1},  {26, 12}, {27, 15}};
constexpr AlignmentHead kLargeV3[] = {{7, 0},   {10, 17}, {12, 18}, {13, 12}, {16, 1},
                                      {17, 14}, {19, 11}, {21, 4},  {24, 1},  {25, 6}};
constexpr AlignmentHead kLargeV3Turbo[] = {{2, 4}, {2, 11}, {3, 3}, {3, 6}, {3, 11}, {3, 14}};

struct Official {
  std::int64_t n_vocab;
  std::int64_t n_text_state;
  std::int64_t n_text_layer;
  std::span<const AlignmentHead> heads;
};

constexpr Official kOfficial[] = {
    {51864, 384, 4, kTinyEn},     {51865, 384, 4, kTiny},          {51864, 512, 6, kBaseEn},
    {51865, 512, 6, kBase},       {51864, 768, 12, kSmallEn},      {51865, 768, 12, kSmall},
    {51864, 1024, 24, kMediumEn}, {51865, 1024, 24, kMedium},      {51865, 1280, 32, kLargeV2},
    {51866, 1280, 32, kLargeV3},  {51866, 1280, 4, kLargeV3Turbo},
};

}  // namespace

std::span<const AlignmentHead> official_alignment_heads(const ModelDimensions& dims,
                                                        const std::filesystem::path& path) {
  const auto found = std::find_if(std::begin(kOfficial), std::end(kOfficial), [&](const Official& official) {
    return official.n_vocab == dims.n_vocab && official.n_text_state == dims.n_text_state &&
           official.n_text_layer == dims.n_text_layer;
  });
  if (found == std::end(kOfficial)) {
    return {};
  }
  const bool is_v1 = found->n_text_layer == 32 && found->n_vocab == 51865 &&
                     path.filename().string().find("large-v1") != std::string::npos;
  return is_v1 ? std::span<const AlignmentHead>(kLargeV1) : found->heads;
}

}  // namespace sotto::model::sources
