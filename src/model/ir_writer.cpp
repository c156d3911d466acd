#include "model/ir_writer.h"

#include <fmt/format.h>

#include "core/atomic_file.h"

namespace sotto::model {
namespace {

std::string port_xml(const IrWriter::Output& output, std::size_t id, bool with_names) {
  std::string xml = fmt::format("<port id=\"{}\" precision=\"{}\"", id, output.precision);
  if (with_names && !output.names.empty()) {
    xml += fmt::format(" names=\"{}\"", output.names);
  }
  xml += ">";
  std::size_t at = 0;
  while (at < output.dims.size()) {
    const std::size_t comma = std::min(output.dims.find(',', at), output.dims.size());
    xml += fmt::format("<dim>{}</dim>", output.dims.substr(at, comma - at));
    at = comma + 1;
  }
  return xml + "</port>";
}

template <typename T>
std::string raw_bytes(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

}  // namespace

IrWriter::Port IrWriter::parameter(const std::string& name,
                                   const std::string& element_type,
                                   const std::string& shape,
                                   const char* precision) {
  const std::string attributes = fmt::format("shape=\"{}\" element_type=\"{}\"", shape, element_type);
  const std::string dims = shape == "?" ? "-1" : "-1,-1";
  return layer("Parameter", "opset1", attributes, {}, {{precision, dims, name}}).front();
}

IrWriter::Port IrWriter::data(const char* element_type,
                              const char* precision,
                              const std::string& shape,
                              std::string_view raw) {
  const std::string attributes = fmt::format("element_type=\"{}\" shape=\"{}\" offset=\"{}\" size=\"{}\"",
                                             element_type, shape, bin_.size(), raw.size());
  bin_ += raw;
  return layer("Const", "opset1", attributes, {}, {{precision, shape, ""}}).front();
}

IrWriter::Port IrWriter::constant(const std::vector<std::int32_t>& values) {
  return data("i32", "I32", std::to_string(values.size()), raw_bytes(values));
}

IrWriter::Port IrWriter::scalar(std::int32_t value) {
  return data("i32", "I32", "", raw_bytes(std::vector{value}));
}

IrWriter::Port IrWriter::scalar_i64(std::int64_t value) {
  return data("i64", "I64", "", raw_bytes(std::vector{value}));
}

IrWriter::Port IrWriter::boolean(bool value) {
  return data("boolean", "BOOL", "", std::string(1, value ? '\1' : '\0'));
}

IrWriter::Port IrWriter::bytes(std::string_view content) {
  return data("u8", "U8", std::to_string(content.size()), content);
}

std::vector<IrWriter::Port> IrWriter::strings(const std::vector<std::string>& values) {
  std::vector<std::int32_t> begins;
  std::vector<std::int32_t> ends;
  std::string all;
  for (const std::string& value : values) {
    begins.push_back(static_cast<std::int32_t>(all.size()));
    all += value;
    ends.push_back(static_cast<std::int32_t>(all.size()));
  }
  return {constant(begins), constant(ends), bytes(all)};
}

std::vector<IrWriter::Port> IrWriter::layer(const std::string& type,
                                            const std::string& version,
                                            const std::string& attributes,
                                            const std::vector<Port>& inputs,
                                            const std::vector<Output>& outputs) {
  const std::size_t id = layers_.size();
  std::string xml =
      fmt::format("<layer id=\"{0}\" name=\"{1}_{0}\" type=\"{1}\" version=\"{2}\">", id, type, version);
  if (!attributes.empty()) {
    xml += fmt::format("<data {}/>", attributes);
  }
  if (!inputs.empty()) {
    xml += "<input>";
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const Layer& source = layers_[inputs[i].layer];
      xml += port_xml(at(inputs[i]), i, false);
      edges_ += fmt::format("<edge from-layer=\"{}\" from-port=\"{}\" to-layer=\"{}\" to-port=\"{}\"/>\n",
                            inputs[i].layer, source.n_inputs + inputs[i].index, id, i);
    }
    xml += "</input>";
  }
  std::vector<Port> made;
  if (!outputs.empty()) {
    xml += "<output>";
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      xml += port_xml(outputs[i], inputs.size() + i, true);
      made.push_back({id, i});
    }
    xml += "</output>";
  }
  layers_.push_back({xml + "</layer>\n", inputs.size(), outputs});
  return made;
}

void IrWriter::result(Port port) {
  layer("Result", "opset1", "", {port}, {});
}

void IrWriter::info(const std::string& name, const std::string& value) {
  info_ += fmt::format("<{} value=\"{}\"/>\n", name, value);
}

void IrWriter::write(const std::filesystem::path& xml, const std::string& name) const {
  std::string text =
      fmt::format("<?xml version=\"1.0\"?>\n<net name=\"{}\" version=\"11\">\n<layers>\n", name);
  for (const Layer& one : layers_) {
    text += one.xml;
  }
  text += "</layers>\n<edges>\n" + edges_ + "</edges>\n<rt_info>\n" + info_ + "</rt_info>\n</net>\n";
  write_file_atomically(xml, text);
  write_file_atomically(std::filesystem::path(xml).replace_extension(".bin"), bin_);
}

}  // namespace sotto::model
