#include <memory>

#include <fmt/ranges.h>

#include "cli/command.h"
#include "cli/field_json.h"
#include "sotto/evaluate.h"

namespace sotto::cli {
namespace {

struct Arguments {
  std::string model;
  bool json = false;
};

std::vector<std::string> language_codes(const model::GenerationConfig& generation) {
  std::vector<std::string> codes;
  for (const auto& [token, unused] : generation.lang_to_id) {
    codes.push_back(token.size() > 4 ? token.substr(2, token.size() - 4) : token);  // "<|en|>"
  }
  return codes;
}

Json graph_json(const evaluate::GraphDescription& graph) {
  return {{"n_operations", graph.n_operations},
          {"n_fake_quantize", graph.n_fake_quantize},
          {"quantization", graph.quantization},
          {"weight_bytes", graph.weight_bytes}};
}

Json model_json(const evaluate::ModelDescription& m) {
  Json json = {{"directory", m.directory.string()},
               {"is_ir", m.is_ir},
               {"quantized", m.quantized()},
               {"dims",
                {{"n_mels", m.dims.n_mels},
                 {"n_audio_ctx", m.dims.n_audio_ctx},
                 {"n_audio_state", m.dims.n_audio_state},
                 {"n_audio_head", m.dims.n_audio_head},
                 {"n_audio_layer", m.dims.n_audio_layer},
                 {"n_vocab", m.dims.n_vocab},
                 {"n_text_ctx", m.dims.n_text_ctx},
                 {"n_text_state", m.dims.n_text_state},
                 {"n_text_head", m.dims.n_text_head},
                 {"n_text_layer", m.dims.n_text_layer}}},
               {"is_multilingual", m.generation.is_multilingual},
               {"languages", language_codes(m.generation)},
               {"encoder", graph_json(m.encoder)},
               {"decoder", graph_json(m.decoder)}};
  if (m.size) {
    json["size"] = {{"encoder_bytes", m.size->encoder_bytes},
                    {"decoder_bytes", m.size->decoder_bytes},
                    {"directory_bytes", m.size->directory_bytes}};
  }
  return json;
}

Json machine_json(const evaluate::Environment& environment, const std::vector<evaluate::Device>& devices) {
  Json list = Json::array();
  for (const evaluate::Device& device : devices) {
    list.push_back(
        {{"name", device.name}, {"full_name", device.full_name}, {"capabilities", device.capabilities}});
  }
  return {{"sotto_version", environment.sotto_version}, {"openvino_version", environment.openvino_version},
          {"cpu_name", environment.cpu_name},           {"n_cores", environment.n_cores},
          {"cpu_features", environment.cpu_features},   {"devices", list}};
}

std::string graph_line(const evaluate::GraphDescription& graph) {
  std::string weights;
  for (const auto& [type, bytes] : graph.weight_bytes) {
    if (bytes >= 1000) {
      weights += fmt::format("{} {}, ", type, megabytes(bytes));
    }
  }
  std::string kind = "not quantized";
  if (graph.n_fake_quantize > 0) {
    kind = fmt::format("INT8 with {} quantizers", graph.n_fake_quantize);
  }
  const std::string note =
      graph.quantization.empty() ? "" : fmt::format("\n{:13}({})", "", graph.quantization);
  return fmt::format("{}{} operations, {}{}", weights, graph.n_operations, kind, note);
}

void print_model(Console& console, const evaluate::ModelDescription& m) {
  const auto line = [&console](std::string_view name, const std::string& text) {
    console.print(fmt::format("{:<13}{}", name, text));
  };
  console.print(
      fmt::format("{}: {}", m.directory.string(), m.is_ir ? "OpenVINO model" : "checkpoint, not converted"));
  line("  audio",
       fmt::format("{} mels, {} positions, {} layers of {} heads, width {}", m.dims.n_mels,
                   m.dims.n_audio_ctx, m.dims.n_audio_layer, m.dims.n_audio_head, m.dims.n_audio_state));
  line("  text",
       fmt::format("{} tokens, {} positions, {} layers of {} heads, width {}", m.dims.n_vocab,
                   m.dims.n_text_ctx, m.dims.n_text_layer, m.dims.n_text_head, m.dims.n_text_state));
  const auto codes = language_codes(m.generation);
  line("  languages",
       codes.empty() ? "English only" : fmt::format("{}: {}", codes.size(), fmt::join(codes, " ")));
  if (m.size) {
    line("  files",
         fmt::format("encoder {}, decoder {}, whole directory {}", megabytes(m.size->encoder_bytes),
                     megabytes(m.size->decoder_bytes), megabytes(m.size->directory_bytes)));
  }
  line("  encoder", graph_line(m.encoder));
  line("  decoder", graph_line(m.decoder));
  console.print("");
}

void print_machine(Console& console,
                   const evaluate::Environment& e,
                   const std::vector<evaluate::Device>& devices) {
  console.print(fmt::format("sotto {}, OpenVINO {}", e.sotto_version, e.openvino_version));
  console.print(fmt::format("{} cores: {}", e.n_cores, e.cpu_name));
  console.print(fmt::format("CPU features: {}", fmt::join(e.cpu_features, " ")));
  console.print("devices:");
  for (const evaluate::Device& device : devices) {
    console.print(
        fmt::format("  {:<10} {} ({})", device.name, device.full_name, fmt::join(device.capabilities, " ")));
  }
}

int run(const Arguments& arguments, const Context& context) {
  Console& console = context.console;
  std::optional<evaluate::ModelDescription> model;
  if (!arguments.model.empty()) {
    model = evaluate::describe(find_model(arguments.model, context));
  }
  const evaluate::Environment environment = evaluate::environment();
  const std::vector<evaluate::Device> devices = evaluate::devices();
  if (arguments.json) {
    Json json = {{"schema", "sotto.info"}, {"schema_version", 1}};
    json["model"] = model ? model_json(*model) : Json(nullptr);
    json["machine"] = machine_json(environment, devices);
    console.write(json_text(json));
    return 0;
  }
  if (model) {
    print_model(console, *model);
  }
  print_machine(console, environment, devices);
  return 0;
}

}  // namespace

Command add_info(CLI::App& parent, const Context& context) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* app = parent.add_subcommand("info", "Show what a model holds and what this machine can run.");
  app->add_option("MODEL", arguments->model,
                  "model directory, checkpoint or a hub's name; without it, the machine only");
  app->add_flag("--json", arguments->json, "as JSON");
  app->footer("\nExample:\n  sotto info base-int8");
  return {app, [arguments, context] { return run(*arguments, context); }};
}

}  // namespace sotto::cli
