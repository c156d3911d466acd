#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sotto::model {

/// Writes an OpenVINO IR (version 11) whose operations this process need not have: those of an extension.
/// Shapes are left open where the reader infers them.
class IrWriter {
 public:
  /// An output of a layer.
  struct Port {
    std::size_t layer = 0;
    std::size_t index = 0;
  };
  struct Output {
    const char* precision;  ///< "I32", "U8", ...
    std::string dims;       ///< "-1,-1"; "" of a scalar
    std::string names;      ///< of the tensor, separated by commas
  };

  Port parameter(const std::string& name,
                 const std::string& element_type,
                 const std::string& shape,
                 const char* precision);
  Port constant(const std::vector<std::int32_t>& values);
  Port scalar(std::int32_t value);
  Port scalar_i64(std::int64_t value);
  Port boolean(bool value);
  Port bytes(std::string_view content);
  /// Begins, ends and bytes of a list of strings, as openvino_tokenizers packs them.
  std::vector<Port> strings(const std::vector<std::string>& values);
  /// `attributes` is the text inside <data/>.
  std::vector<Port> layer(const std::string& type,
                          const std::string& version,
                          const std::string& attributes,
                          const std::vector<Port>& inputs,
                          const std::vector<Output>& outputs);
  void result(Port port);
  void info(const std::string& name, const std::string& value);

  /// Writes FILE.xml and FILE.bin.
  void write(const std::filesystem::path& xml, const std::string& name) const;

 private:
  Port data(const char* element_type, const char* precision, const std::string& shape, std::string_view raw);
  const Output& at(Port port) const { return layers_[port.layer].outputs[port.index]; }

  struct Layer {
    std::string xml;
    std::size_t n_inputs = 0;
    std::vector<Output> outputs;
  };
  std::vector<Layer> layers_;
  std::string edges_;
  std::string info_;
  std::string bin_;
};

}  // namespace sotto::model
